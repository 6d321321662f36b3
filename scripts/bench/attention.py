"""How long each attention method takes for one frame, on the encoder and heads of RAD's SAC at 84 x 84 pixels."""

from collections.abc import Callable, Mapping
from statistics import median

import torch

import augment
from rad.agents.sac import SACAgent, SACConfig
from rad.attention.maps import activation_map, grad_cam, gradient_map, hires_cam, perturbation_map, smooth_grad
from scripts.bench import Row, wall_s

SIDE_PX, ACTION_DIM = 84, 6
# ms for each frame on one CPU thread, where there is a target
TARGETS_MS = {"activation": 3.0, "hires_cam": 4.0, "smooth_grad": 60.0, "perturbation": 300.0}
WARMUP = 2
# Timed calls: more of the cheap ones, so that all medians are equally precise.
REPEATS = {"activation": 60, "grad_cam": 60, "hires_cam": 60, "gradient": 30, "smooth_grad": 10, "perturbation": 5}


def run(repeats: Mapping[str, int] = REPEATS) -> list[Row]:
    """Time methods on one frame at a time, without the drawing; `repeats` has the timed calls of each.

    Returns:
        One row per method: `method`, `ms_per_frame` (median wall time), `target_ms`, and `ratio_to_forward`, the time
        relative to one pass of the encoder and the policy.
    """
    agent = SACAgent((9, SIDE_PX, SIDE_PX), ACTION_DIM, SACConfig(), augment.make("none"))
    target, encoder = agent.target("policy"), agent.encoder
    images = torch.rand(1, 9, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))
    images = images.contiguous(memory_format=torch.channels_last)  # as the agents have them
    noise = torch.Generator().manual_seed(0)
    calls: dict[str, Callable[[], object]] = {
        "forward": lambda: target.vector(encoder(images)),
        "activation": lambda: activation_map(encoder, images),
        "grad_cam": lambda: grad_cam(encoder, target.output, images),
        "hires_cam": lambda: hires_cam(encoder, target.output, images),
        "gradient": lambda: gradient_map(encoder, target.output, images),
        "smooth_grad": lambda: smooth_grad(encoder, target.output, images, noise, samples=8),
        "perturbation": lambda: perturbation_map(encoder, target.vector, images, grid=14),
    }
    times = {}
    for name in ("forward", *repeats):
        rounds = [wall_s(calls[name]) for _ in range(WARMUP + repeats.get(name, 60))]
        times[name] = 1e3 * median(rounds[WARMUP:])
    return [_row(name, times) for name in repeats]


def _row(name: str, times: dict[str, float]) -> Row:
    row: Row = {"method": name, "ms_per_frame": times[name]}
    limit = {"target_ms": TARGETS_MS[name]} if name in TARGETS_MS else {}
    return row | limit | {"ratio_to_forward": times[name] / times["forward"]}
