"""The README is a page, and names every preset; what it shows is tested with the other pages, in test_docs.py."""

import re
from pathlib import Path

from rad.experiment.algorithms import ALGORITHMS

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


def test_it_is_one_page() -> None:
    assert len(README.splitlines()) <= 120


def test_every_preset_is_in_the_table() -> None:
    rows = set(re.findall(r"^\| `([\w-]+)` \|", README, flags=re.MULTILINE))
    assert rows >= {preset for algorithm in ALGORITHMS.values() for preset in algorithm.presets}
