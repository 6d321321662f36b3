"""The commit of the source that is running."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIGITS = 10


@cache
def commit(root: Path = ROOT) -> str:
    """Return the commit of the checkout that this package is imported from, with `-dirty` if files were changed.

    It is looked up once in a process. Empty for an installed package, without git, and where git refuses.
    """
    if not (root / ".git").exists():  # a virtual environment may lie in a checkout of something else
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*", f"--abbrev={DIGITS}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
