"""rad attention: where the encoders of runs look."""

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from rad.commands import flags
from rad.runtime.processes.signals import if_stopped
from rad.settings import SettingError, flag_name


@dataclass(frozen=True)
class Attention:
    """Draw and measure where the encoders of one or more runs look, all on the same states, beside an untrained one."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders, or files of rad export: of one task, e.g. one for each augmentation, and several seeds of each."""
    out: Path = Path("attention")
    """Folder for figures, table, raw maps and videos."""
    states: int = 128
    """How many states: an equal share from episodes of each run, shown to all of them."""
    methods: tuple[str, ...] = ()
    """Such as activation, grad_cam or sarfa; all that the runs allow if not given."""
    target: str = "policy"
    """What the maps explain: policy, value, q (of agents with a critic) or logit:K (discrete actions)."""
    stage: int = -1
    """Convolutional stage of activation, Grad-CAM and HiResCAM, from 0, or from the end by -1, -2, ..."""
    power: float = 1.0
    """Power of the activation: 1 is RAD's; 2 and 4 show peaks."""
    norm: Literal["sum", "softmax", "zsoftmax"] = "sum"
    """Normalization of the activation: sum; softmax, RAD's, nearly flat; zsoftmax, of standardized values."""
    split: str = "train"
    """Split that the states are from."""
    ground_truth: bool = False
    """Also change each object of a dmc task in turn, and compare the maps with what that does to the output."""
    change: Literal["removed", "recolored", "moved"] = "removed"
    """How the ground truth changes an object: removed; recolored, to magenta; moved to the right, where it can be."""
    show: int = 3
    """States that are drawn, a figure for each."""
    table: bool = True
    """Also measure: lift on the robot, insertion and deletion, how much the maps depend on what was learned."""
    video: bool = True
    """Also write a video of an episode of each run with its maps."""
    seed: int = 0
    """Seed of the episodes that the states are from."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, whatever the runs were trained on."""


def main(arguments: list[str]) -> int:
    """Draw and measure the attention of runs; print the table's first columns and what was written."""
    options = flags.parse(Attention, "rad attention", arguments)
    if not options.runs:
        raise SettingError("RUNS", "none", "one run folder or more")
    flags.check_least(options, states=len(options.runs), show=0, seed=0)
    if flags.value_of("change", arguments) is not None and not options.ground_truth:
        raise SettingError("change", f"{options.change} has no effect without {flag_name('ground_truth')}")
    if options.out.exists() and not options.out.is_dir():
        raise SettingError("out", f"the file {options.out}", "a folder")
    from rad.attention.methods import Settings
    from rad.attention.study import attend_runs, short_text

    others = vars(options).copy()
    settings = Settings(**{name: others.pop(name) for name in ("stage", "power", "norm")}, seed=options.seed)
    tell = functools.partial(print, file=sys.stderr, flush=True)
    with if_stopped(f"figures in {options.out} may be unfinished; the same command makes all of them anew"):
        written = attend_runs(others.pop("runs"), others.pop("out"), settings=settings, tell=tell, **others)
    if options.table:
        print(short_text(options.out), end="\n\n")
    print(*written, sep="\n")
    return 0
