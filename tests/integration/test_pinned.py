"""Short runs give the numbers that are written down in pinned.json: what is moved or renamed computes what it did.

Every processor has to come close. To the last bit are held those whose kernels are known: their digests stand in the
file by the name of the processor. `python -m tests.integration.test_pinned` writes the file anew, which is for changes
that are meant to change what is computed; say so in the CHANGELOG.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from rad.experiment.config import RunConfig
from rad.runtime import device
from rad.training.trainer import start
from tests.integration.runs import rows, tiny, tiny_game, tiny_ppo, weights

PINNED = Path(__file__).with_name("pinned.json")
ON_DMC = {"task": "dmc/cartpole-balance", "action_repeat": 50, "frames": 2_000, "warmup_steps": 20, "eval_every": 1_000}
ON_DMC |= {"eval_episodes": 1, "log_every": 500, "image_size": 32}
TWO_STEPS = {"task": "probe/discounting"}  # long enough for the target networks to matter
DISCRETE = {"task": "probe/both-discrete"}
# Rows that hold returns of episodes: an action that moves in its last digits may end one elsewhere.
TOLERANCE = 2e-3

RUNS: dict[str, RunConfig] = {
    "sac": tiny(augment="crop", **TWO_STEPS),
    "sac-reuse": tiny({"actor_features": "before", "target_encoder": False}, updates_per_step=0.5, **TWO_STEPS),
    "drq": tiny({"target_views": 2, "critic_views": 2, "projection_tanh": True}, augment="shift", **TWO_STEPS),
    "svea": tiny({"strong_augment": "random_conv"}, augment="shift", **TWO_STEPS),
    "sac-dmc": tiny(augment="crop", **ON_DMC),
    "ppo-clip": tiny_ppo(**DISCRETE),
    "ppo-kl": tiny_ppo({"objective": "kl"}),
    "drac": tiny_ppo({"augment_where": "consistency"}, augment="shift", **DISCRETE),
    "ucb": tiny_ppo({"augment_where": "consistency"}, augment="ucb:flip,grayscale", **DISCRETE),
    "ppo-procgen": tiny_game(augment="crop"),
}
NEEDS = {"sac-dmc": "dm_control", "ppo-procgen": "procgen"}


def numbers(config: RunConfig, folder: Path) -> tuple[dict[str, list[float]], str]:
    """Run, and return the numbers that it leaves by name, and a digest of the weights."""
    assert start(config, folder) == 0
    found: dict[str, list[float]] = {}
    for row in rows(folder):
        for name, value in row.items():
            if isinstance(value, int | float) and name != "time_s":
                found.setdefault(f"{row['kind']}.{name}", []).append(six_digits(value))
    digest = hashlib.sha256()
    for name, value in weights(folder).items():
        found[f"norm.{name}"] = [six_digits(float(value.double().norm()))]
        digest.update(value.contiguous().numpy().tobytes())
    return found, digest.hexdigest()


def six_digits(value: float) -> float:
    return float(f"{value:.6g}")


def kind_of_processor() -> str:
    """Name what decides which kernels are taken: models of one maker differ in caches, and so in the last bits."""
    words = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith(("cpu family", "model\t"))]
    return f"{device.processor()}, family and model {' '.join(words[:2])}, torch {torch.__version__}"


def _cpuinfo() -> list[str]:
    return device.CPUINFO.read_text().splitlines() if device.CPUINFO.exists() else []


@pytest.mark.parametrize("name", RUNS)
def test_a_short_run_gives_the_pinned_numbers(name: str, tmp_path: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason="the simulator is not installed")
    pinned = json.loads(PINNED.read_text())[name]
    found, digest = numbers(RUNS[name], tmp_path / "run")
    for key, values in pinned["numbers"].items():  # a metric that is new is in `found` alone
        assert found[key] == pytest.approx(values, rel=TOLERANCE, abs=TOLERANCE), key
    assert digest == pinned["digests"].get(kind_of_processor(), digest)


def test_every_run_is_pinned() -> None:
    pinned = json.loads(PINNED.read_text())
    assert pinned.keys() == RUNS.keys()
    assert all(entry["digests"] for entry in pinned.values())


def write(names: list[str]) -> None:
    """Write the numbers of this processor; digests of others are kept where no number has changed, new ones apart."""
    old: dict[str, Any] = json.loads(PINNED.read_text()) if PINNED.exists() else {}
    for name in names or list(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            found, digest = numbers(RUNS[name], Path(folder) / "run")
        before = old.get(name, {"numbers": found, "digests": {}})
        kept = before["digests"] if before["numbers"].items() <= found.items() else {}
        old[name] = {"numbers": found, "digests": kept | {kind_of_processor(): digest}}
    PINNED.write_text(json.dumps({name: old[name] for name in RUNS}, indent=1) + "\n")


if __name__ == "__main__":
    write(sys.argv[1:])
