"""Every field that a run of PPO has beyond one of SAC: another value gives another run."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad.envs.procgen.options import ProcgenOptions
from rad.evaluation.loaded_run import scores
from rad.evaluation.play import Episodes
from rad.experiment.algorithms.ppo import PPORun
from rad.experiment.algorithms.sac import SACRun
from rad.experiment.build import make_env
from rad.experiment.splits import splits
from rad.training.trainer import start
from tests.integration.runs import rows, same, tiny_ppo, weights

# Another value of each option of Procgen, and the game that shows it.
OF_PROCGEN: dict[str, tuple[str, Any]] = {
    "distribution_mode": ("coinrun", "hard"),
    "train_split": ("coinrun", "test"),
    "start_level": ("coinrun", 50),
    "num_levels": ("coinrun", 3),
    "test_split": ("coinrun", "test-all"),
    "use_backgrounds": ("coinrun", False),
    "restrict_themes": ("coinrun", True),
    "use_monochrome_assets": ("coinrun", True),
    "center_agent": ("coinrun", False),
    "paint_vel_info": ("coinrun", True),
    "score_constants": ("jumper", "train-procgen"),
}
NEEDS = {"start_level": {"num_levels": 3}}


def shown(game: str, **options: Any) -> tuple[list[bytes], float | None]:
    """Return what the first observations on each split look like, and a normalized score."""
    of_run = {name: options.pop(name) for name in ("train_split", "test_split") if name in options}
    config = tiny_ppo(task=f"procgen/{game}", image_size=64, crop="pad", **of_run)
    config = dataclasses.replace(config, suite=ProcgenOptions(**options))
    views = []
    for split in splits(config):
        env = make_env(config, "evaluation", num_envs=4, split=split)
        env.reset()
        views.append(env.step(np.full(4, 7))[0].tobytes())
        env.close()
    return views, scores(config, Episodes(np.array([5.0]), np.array([9]), None))["normalized_return_mean"]


@pytest.mark.parametrize("name", OF_PROCGEN)
def test_every_option_of_procgen_bites(name: str) -> None:
    pytest.importorskip("procgen", reason="no wheel of procgen for this platform")
    game, value = OF_PROCGEN[name]
    needs = NEEDS.get(name, {})
    assert shown(game, **needs, **{name: value}) != shown(game, **needs)


def test_every_option_of_procgen_is_listed() -> None:
    own = OF_PROCGEN.keys() - {"train_split", "test_split"}
    assert own == {field.name for field in dataclasses.fields(ProcgenOptions)}


def test_sampling_and_the_mode_evaluate_differently(tmp_path: Path) -> None:
    config = tiny_ppo(task="probe/both-discrete", eval_episodes=50)
    start(config, tmp_path / "sample")
    start(dataclasses.replace(config, eval_policy="mode"), tmp_path / "mode")
    assert rows(tmp_path / "sample") != rows(tmp_path / "mode")


def test_an_auxiliary_loss_trains_the_encoder_beside_ppos(tmp_path: Path) -> None:
    for spec in ("none", "curl:dim=8"):
        start(tiny_ppo(task="probe/both-discrete", auxiliary_loss=spec), tmp_path / spec)
    assert not same(weights(tmp_path / "none"), weights(tmp_path / "curl:dim=8"))
    logged = {spec: any("curl_loss" in row for row in rows(tmp_path / spec)) for spec in ("none", "curl:dim=8")}
    assert logged == {"none": False, "curl:dim=8": True}


def test_every_field_is_tested_somewhere() -> None:
    """Those of SAC's runs are, next door."""
    assert {field.name for field in dataclasses.fields(PPORun)} <= {field.name for field in dataclasses.fields(SACRun)}
