"""The page of speeds in Markdown, from numbers alone: sections of a table and what its numbers mean."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rad.report.draw.tables import Table
from scripts.bench.compared import LIBRARIES
from scripts.bench.speeds import tables
from scripts.bench.speeds.measured import Measured

Results = Mapping[str, Mapping[str, Any]]
"""By the name of a part its `facts`, its `rows` and, if it failed, its `error`."""

ABOUT = """\
# Speeds

Made by `rad bench all --out results/performance.md` from the numbers in `bench/performance-*.json`; `pip install -e
'.[bench]'` brings the libraries that are compared. Numbers are medians of rounds in which all sides take turns, so
that a busy minute slows all alike. Ratios are taken within each round; behind one stands its range over the rounds,
and more is better for this library unless the column says otherwise. Ratios carry over between machines better than
times.
"""
TINY = "**Tiny sizes, to see that everything runs: the numbers mean nothing.**\n"
GPU = "## GPU: not measured\n\nNo number of this page is of a GPU.\n"


class Section(NamedTuple):
    """A section of the page: of which part, and how its rows become a table."""

    title: str
    part: str
    table: Callable[[list[Measured], Mapping[str, Any]], Table]
    about: str


SECTIONS = (
    Section(
        "SAC: one update",
        "sac-updates",
        tables.sac_updates,
        "One update of RAD's SAC, one axis at a time around the first row; *replay* is the transitions held, *image* "
        "the pixels seen. Sampling and crop are included. *eager* is the plain PyTorch version in `tests/reference`, "
        "with the same encoder and always a small replay; torchrl is its `SACLoss` with that version's networks, "
        "replay and crop. Stable-Baselines3 has the same layers and no crop, but gives the actor convolutions of its "
        "own and trains it at every update, not at every second.",
    ),
    Section(
        "SAC: whole runs of cartpole-swingup",
        "sac-runs",
        tables.sac_runs,
        "Agent steps a second (acting, simulation with rendering, storing, learning) in one process; evaluations are "
        "not in them and stand apart. The eager version and Stable-Baselines3 learn as RAD was published, the latter "
        "without a crop. torchrl has losses and no loop to compare with.",
    ),
    Section(
        "SAC: simulation, learning and evaluation side by side",
        "overlap",
        tables.overlap,
        "The library with processes of their own for the environment and for evaluations, per agent step: all "
        "updates alone, all rendering alone (training, and evaluations of as many frames, the default), the whole "
        "run, and how many times the larger of the two that is (less is better). Minutes are of 100,000 frames, "
        "evaluations included.",
    ),
    Section(
        "PPO: whole runs",
        "ppo-runs",
        tables.ppo_runs,
        "IMPALA's network; rollouts of 64 environments and 8 steps (coinrun) or 16 and 16, 2 minibatches, 3 passes. "
        "Simulation, inference and update are in seconds per 1,000 agent steps; an evaluation takes the first two, "
        "which is its rate here. torchrl is its `ClipPPOLoss` and `GAE`; as in its examples, policy and value each run "
        "the convolutions.",
    ),
    Section(
        "Augmentations",
        "augment",
        tables.augmentations,
        "Stacks of three frames a second, 128 in a call, each with a draw of its own. A side without such an "
        "operation is left empty.",
    ),
)


def page(results: Results) -> str:
    """Return the whole page."""
    facts = next(iter(results.values()))["facts"]
    tiny = [TINY] if facts["short"] else []
    texts = [ABOUT, *tiny, _facts(facts) + _commits(results), _targets(results["overlap"])]
    return "\n".join([*texts, *(_section(section, results[section.part]) for section in SECTIONS), GPU])


def _section(section: Section, result: Mapping[str, Any]) -> str:
    body = section.table(_rows(result), result["facts"]).markdown() if "error" not in result else _failed(result)
    return f"## {section.title}\n\n{section.about}\n\n{body}"


def _targets(overlap: Mapping[str, Any]) -> str:
    failed = _failed(overlap) if "error" in overlap else ""
    return f"## Targets\n\n{failed}{tables.targets(_rows(overlap), overlap['facts']['cpus']).markdown()}"


def _rows(result: Mapping[str, Any]) -> list[Measured]:
    return [Measured(**row) for row in result["rows"]]


def _failed(result: Mapping[str, Any]) -> str:
    return f"Not measured: {result['error']}\n"


def _facts(facts: Mapping[str, Any]) -> str:
    """Say what the numbers depend on."""
    kinds = (
        "with AVX512-BF16, precisions fp32 and bf16" if facts["fast_bf16"] else "without AVX512-BF16, precision fp32"
    )
    libraries = [name for _, distributions in LIBRARIES.values() for name in distributions]
    names = ("python", "torch", "numpy", "torchvision", "kornia", *libraries)
    return (
        f"- Processor: {facts['cpu']}, {facts['cpus']} cores, {kinds}\n"
        f"- Threads of torch, unless a row says otherwise: {facts['threads']}\n"
        f"- Versions: {', '.join(f'{name} {facts[name]}' for name in names)}\n"
        f"- At most {facts['repeats']} rounds, fewer where they take long\n"
    )


def _commits(results: Results) -> str:
    """Say at which commit each part was measured."""
    parts: dict[str, list[str]] = {}
    for name, result in results.items():
        parts.setdefault(result["facts"]["commit"] or "unknown", []).append(name)
    texts = [f"{commit} ({', '.join(names)})" if len(parts) > 1 else commit for commit, names in parts.items()]
    return f"- Commit: {'; '.join(texts)}\n"
