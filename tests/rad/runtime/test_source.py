import subprocess
from pathlib import Path

import pytest

from rad.runtime import source
from rad.runtime.source import commit


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    git(tmp_path, "tag", "-a", "v1", "-m", "a tag is no commit")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    assert commit.__wrapped__(checkout) == git(checkout, "rev-parse", "--short=10", "HEAD").strip()


def test_changed_files_are_told(checkout: Path) -> None:
    (checkout / "file").write_text("b")
    assert commit.__wrapped__(checkout).endswith("-dirty")


def test_no_commit_without_a_checkout_of_its_own(checkout: Path) -> None:
    (checkout / "site-packages").mkdir()
    assert commit.__wrapped__(checkout / "site-packages") == ""


def test_a_checkout_that_git_cannot_read_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    assert commit.__wrapped__(tmp_path) == ""
    monkeypatch.setenv("PATH", "")
    assert commit.__wrapped__(tmp_path) == ""


def test_it_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = commit()
    monkeypatch.setattr(source.subprocess, "run", lambda *_, **__: pytest.fail("asked again"))
    assert commit() == first
