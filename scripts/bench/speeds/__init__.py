"""The page of speeds: `rad bench all` measures its parts one after the other and writes what was measured.

The raw numbers of a part are written as it ends, and a part that was measured on the same machine at the same commit is
not measured again: the command can be interrupted and goes on.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scripts.bench import augment, overlap
from scripts.bench.compared import NOT_INSTALLED, versions
from scripts.bench.speeds import page, ppo_runs, sac_runs, sac_updates
from scripts.bench.speeds.measured import Measured, rounds_within, rows_of

CHECKOUT = Path(__file__).resolve().parents[3]
PASSING = ("load_1min",)  # facts that change from minute to minute
OVERLAP_LIMIT_S, AUGMENT_LIMIT_S = 1500.0, 120.0

Part = Callable[[int, bool], list[Measured]]
"""Measures, from rounds and whether they are to be tiny."""


def _overlap(repeats: int, short: bool) -> list[Measured]:
    if find_spec("dm_control") is None:
        return [Measured({"preset": overlap.TASK, "missing": f"dm_control {NOT_INSTALLED}"}, [])]
    sizes: Any = {"presets": ("lean",), "frames": 160} if short else {}
    return rows_of(rounds_within(OVERLAP_LIMIT_S, repeats, lambda: overlap.run(episodes=1, **sizes)))


def _augment(repeats: int, short: bool) -> list[Measured]:
    sizes: Any = {"batch": 2, "seconds": 0.0} if short else {}
    return rows_of(rounds_within(AUGMENT_LIMIT_S, repeats, lambda: augment.run(**sizes)))


PARTS: dict[str, Part] = {
    "sac-updates": sac_updates.measure,
    "overlap": _overlap,
    "sac-runs": sac_runs.measure,
    "ppo-runs": ppo_runs.measure,
    "augment": _augment,
}


def main(facts: dict[str, Any], repeats: int, out: Path | None, short: bool) -> int:
    """Measure what is not yet measured, print the page and, with `out`, write it; return the exit status.

    `facts` says what numbers depend on. Raw numbers go into the folder `bench` beside `out`, one file for each part. A
    part that fails is named on the page, and the status is then 1.
    """
    facts = facts | versions() | {"commit": commit(), "repeats": repeats, "short": short}
    results = {name: _result(name, facts, _file(out, name)) for name in PARTS}
    text = page.page(results)
    print(text)
    if out:
        out.write_text(text)
    return int(any("error" in result for result in results.values()))


def commit(root: Path = CHECKOUT) -> str:
    """Return the commit of the checkout, with `-dirty` if anything but its results was changed; empty without git."""
    git = ["git", "-C", str(root)]
    name = [*git, "describe", "--always", "--exclude=*", "--abbrev=10"]
    try:
        text = subprocess.run(name, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ":/", ":(exclude,top)results"], check=False)
    return f"{text}-dirty" if changed.returncode else text


def _file(out: Path | None, name: str) -> Path | None:
    return out.parent / "bench" / f"performance-{name}.json" if out else None


def _result(name: str, facts: dict[str, Any], file: Path | None) -> dict[str, Any]:
    """Return a part's facts and rows, measured now unless its file has them; or its error."""
    if file and (before := _read(file)) and _same(before["facts"], facts):
        print(f"{name}: measured before, {file}", file=sys.stderr, flush=True)
        return before
    print(f"{name}: up to {facts['repeats']} rounds", file=sys.stderr, flush=True)
    try:
        rows = PARTS[name](facts["repeats"], facts["short"])
    except (RuntimeError, OSError, ValueError, ImportError) as error:  # the parts before and behind it are kept
        print(f"{name}: failed: {error}", file=sys.stderr, flush=True)
        return {"facts": facts, "error": str(error), "rows": []}
    result = {"facts": facts, "rows": [row._asdict() for row in rows]}
    if file:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(result, indent=1) + "\n")
    return result


def _read(file: Path) -> dict[str, Any] | None:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None


def _same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether numbers with these facts belong beside new ones; those of changed source never do."""
    lasting = [{name: value for name, value in facts.items() if name not in PASSING} for facts in (before, now)]
    return lasting[0] == lasting[1] and bool(now["commit"]) and not now["commit"].endswith("-dirty")
