"""One SAC update, sampling and crop included, against a plain eager float32 version of the same algorithm.

Each side runs in a fresh process, because the allocator's settings hold for a process: the library's own
processes set them as `rad train` does, the eager version takes the allocator as it comes.
"""

import dataclasses
import importlib
import resource
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from scripts.bench import Row, process, wall_s

PRECISIONS = ("fp32", "bf16")
STORED_PX, CROP_PX = 100, 84

# What two CPU cores with AVX512-BF16 have to reach, by preset, precision and batch; other processors have no target.
TARGETS = {("rad", "fp32", 128): 1.25, ("rad", "bf16", 128): 2.2, ("rad", "fp32", 512): 3.0, ("rad", "bf16", 512): 6.0}

Update = Callable[[], object]


@dataclass(frozen=True)
class Job:
    """What one process measures."""

    side: str = "eager"  # or fp32 or bf16, of the library; `rad bench all` has those of other libraries too
    preset: str = "rad"  # encoder, image size and agent of the library; the eager version is always RAD as published
    batch_size: int = 128
    action_dim: int = 6
    hidden_dim: int = 0  # width of the heads; 0 for the preset's
    transitions: int = 4_000  # held by the replay
    warmup: int = 4  # updates before the first that is timed
    pairs: int = 6  # of updates that are timed; every second update is the actor's too
    side_px: int = 0  # of the stored frames; 0 for what crop needs
    crop_px: int = 0  # of what the encoder sees; 0 for the preset's
    encoder: str = ""  # "" for the preset's
    device: str = "cpu"
    capture: bool = False  # record the update as a CUDA graph
    threads: int = 0  # of torch; 0 for its own choice


def run(jobs: tuple[Job, ...] = (Job(), Job(batch_size=512), Job(preset="lean", batch_size=256))) -> list[Row]:
    """Measure the eager version and the library, one after the other, for each job.

    The library computes in each precision that the processor multiplies itself (see `native_precisions`).

    Returns:
        A row per job and precision: `preset`, `precision`, `batch`, `ratio` (eager time over the library's),
        `target` (what the ratio should reach on two cores with AVX512-BF16), milliseconds and page faults per
        update of both sides, and its operations in 10^9 (a multiplication and an addition are two).
    """
    return [row for job in jobs for row in _rows(job)]


def native_precisions() -> tuple[str, ...]:
    """Return fp32 and, where the processor multiplies it in hardware, bf16."""
    import torch

    from rad.runtime import device

    return PRECISIONS if device.has_fast_bf16(torch.device("cpu")) else ("fp32",)


def _rows(job: Job) -> list[Row]:
    precisions = native_precisions()
    published = dataclasses.replace(job, side="eager", preset="rad")
    sides = [published, *(dataclasses.replace(job, side=precision) for precision in precisions)]
    eager, *ours = [process.measure("scripts.bench.sac", side) for side in sides]
    return [
        {
            "preset": job.preset,
            "precision": precision,
            "batch": job.batch_size,
            "ratio": eager["ms"] / library["ms"],
            "target": TARGETS.get((job.preset, precision, job.batch_size)) if len(precisions) > 1 else None,
            **{
                f"{prefix}{name}": numbers[name]
                for name in ("ms", "gflop", "page_faults")
                for prefix, numbers in (("", library), ("eager_", eager))
            },
        }
        for precision, library in zip(precisions, ours)
    ]


def work(job: Job) -> dict[str, float]:
    """Do a job in this process."""
    update = update_of(job)
    return time_updates(update, job.warmup, job.pairs) | {"gflop": giga_operations(update)}


def update_of(job: Job) -> Update:
    """Return one update of a side."""
    makers = {"eager": eager_update, "stable-baselines3": sb3_update, "torchrl": torchrl_update}
    return makers.get(job.side, library_update)(job)


def library_update(job: Job) -> Update:
    """Return one update of `SACAgent` on batches of `Replay`, with the allocator tuned."""
    from rad.runtime import device

    device.tune_allocator()
    import torch

    import augment
    from rad.agents.sac import SACAgent
    from rad.experiment.presets import preset
    from scripts.bench.stream import add, make_replay, random_steps

    config: Any = preset(job.preset)
    hidden_dim = job.hidden_dim or config.agent.hidden_dim
    agent_config = dataclasses.replace(config.agent, batch_size=job.batch_size, hidden_dim=hidden_dim)
    size = job.crop_px or config.image_size or CROP_PX
    op = augment.make("crop", size)
    side_px = job.side_px or op.input_size(size, size)[0]
    replay = make_replay(job.transitions, job.action_dim, side_px, job.device)
    for step in random_steps(job.transitions, job.action_dim, side_px=side_px):
        add(replay, step)
    agent = SACAgent(
        (9, side_px, side_px),
        job.action_dim,
        agent_config,
        op,
        encoder=job.encoder or config.encoder,
        device=job.device,
        precision=job.side,
        capture=job.capture,
    )
    generator = torch.Generator().manual_seed(0)
    return lambda: agent.update(replay.sample(job.batch_size, generator))


def eager_update(job: Job) -> Update:
    """Return one update of the plain version, on batches of its own plain buffer."""
    from scripts.bench.compared.networks import convolutions

    eager: Any = importlib.import_module("tests.reference.sac_eager")
    crop_px = job.crop_px or CROP_PX
    replay = _stack_replay(job)
    sizes = {"hidden_dim": job.hidden_dim or 1024, "convolutions": convolutions(job.encoder or "pixel")}
    agent = eager.EagerSAC((9, crop_px, crop_px), job.action_dim, **sizes)
    return lambda: agent.update(*replay.sample(job.batch_size, crop_px))


def torchrl_update(job: Job) -> Update:
    """Return one update with torchrl's loss, on batches of the plain version's buffer."""
    from scripts.bench.compared import torchrl_sac

    sizes = job.crop_px or CROP_PX, job.encoder or "pixel", job.action_dim, job.hidden_dim or 1024, job.batch_size
    return torchrl_sac.TorchRLSAC(_stack_replay(job), *sizes).update


def sb3_update(job: Job) -> Update:
    """Return one update of Stable-Baselines3's SAC, on batches of its own buffer."""
    from scripts.bench.compared import sb3

    sizes = job.crop_px or CROP_PX, job.encoder or "pixel", job.action_dim, job.hidden_dim or 1024
    return sb3.sac_update(*sizes, job.batch_size, job.transitions)


def _stack_replay(job: Job) -> Any:
    from scripts.bench.stream import random_steps

    eager: Any = importlib.import_module("tests.reference.sac_eager")
    side_px = job.side_px or STORED_PX
    replay = eager.StackReplay(job.transitions, (9, side_px, side_px), job.action_dim)
    for step in random_steps(job.transitions, job.action_dim, side_px=side_px):
        replay.add(step.obs, step.action, step.reward, 0.99, step.next_obs)
    return replay


def time_updates(update: Update, warmup: int, pairs: int) -> dict[str, float]:
    """Time pairs of updates; return the median milliseconds and the mean page faults of one update."""
    for _ in range(warmup):
        update()
    faults = page_faults()
    seconds = [(wall_s(update) + wall_s(update)) / 2 for _ in range(pairs)]
    return {"ms": 1000 * median(seconds), "page_faults": (page_faults() - faults) / (2 * pairs)}


def giga_operations(update: Update) -> float:
    """Count the operations of convolutions and matrix products, in 10^9 for one update; two make a pair."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        update()
        update()
    return counter.get_total_flops() / 2e9


def page_faults() -> int:
    """Return the page faults of this process so far that needed no disk: newly allocated memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
