"""The examples in the docstrings of every module give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WITH_EXAMPLES = sorted(
    path.relative_to(ROOT)
    for package in ("augment", "encoders", "rad")
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=str)
def test_examples_give_what_they_say(path: Path) -> None:
    parts = path.with_suffix("").parts
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    failed, tried = doctest.testmod(module)
    assert not failed
    assert tried


def test_modules_with_examples_are_found() -> None:
    assert {Path("augment/__init__.py"), Path("encoders/__init__.py")} < set(WITH_EXAMPLES)
