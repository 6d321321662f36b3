"""What is checked before a run of PPO."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from rad.envs.procgen.options import ProcgenOptions
from rad.experiment import validate
from rad.experiment.algorithms.ppo import PPORun
from tests.integration.runs import tiny, tiny_ppo

GAME: dict[str, Any] = {"task": "procgen/coinrun", "image_size": 64, "encoder": "impala"}
GAME |= {"crop": "pad"}


def game(agent: dict[str, Any] | None = None, procgen: dict[str, Any] | None = None, **run: Any) -> PPORun:
    own = dict(procgen or {})
    run |= {name: own.pop(name) for name in ("train_split", "test_split") if name in own}
    return dataclasses.replace(tiny_ppo(agent, **(GAME | run)), suite=ProcgenOptions(**own))


def refused(config: PPORun, flag: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        validate.check(config, Path("runs/none"))
    text = str(error.value)
    assert text.startswith(f"{flag}: ") and said in text and "\n" not in text


# Run, agent, what must be named and said.
WRONG: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"objective": "clipp"}, "objective", "must be clip or kl, got 'clipp'"),
    ({}, {"consistency_coef": 0.2}, "consistency_coef", "only with augment_where consistency; allowed here: 0.1"),
    ({}, {"target_kl": 0.02}, "target_kl", "only with objective kl"),
    ({}, {"reward_gamma": 0.9, "normalize_reward": False}, "reward_gamma", "only with normalize_reward True"),
    (
        {},
        {"objective": "kl", "clip_value": False, "clip_coef": 0.3},
        "clip_coef",
        "or clip_value True; allowed here: 0.2, got 0.3",
    ),
    ({}, {"objective": "kl", "num_epochs": 1, "num_minibatches": 1}, "objective", "two or more gradient steps"),
    ({}, {"num_minibatches": 21}, "num_minibatches", "must be at most 20, the steps of a rollout, got 21"),
    ({"frames": 19}, {}, "frames", "must be at least 20, one rollout of 4 environments and 5 steps, got 19"),
    ({"encoder": "impala:num_layers=2"}, {}, "encoder", "options width=... once, got 'num_layers=2'"),
    ({"augment": "ucb:flip"}, {}, "augment", "two or more"),
    ({"augment": "ucb:flip,crop", "crop": "resize"}, {}, "augment", "as with --crop pad, got flip and crop"),
    ({"augment": "ucb:flip,crp"}, {}, "augment", "unknown augmentation 'crp'"),
]


@pytest.mark.parametrize(("run", "agent", "flag", "said"), WRONG, ids=[case[2] for case in WRONG])
def test_what_is_wrong_is_named_in_one_line(run: dict, agent: dict, flag: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        validate.check(tiny_ppo(agent, **run), Path("runs/none"))
    text = str(error.value)
    assert text.startswith(f"{flag}: ") and said in text and "\n" not in text


def test_what_is_just_right_passes() -> None:
    for config in (
        tiny_ppo(frames=20),
        tiny_ppo({"num_minibatches": 20}),
        tiny_ppo(augment="ucb:flip,grayscale", task="probe/both-discrete"),
        tiny_ppo(encoder="nature", image_size=36),
    ):
        validate.check(config, Path("runs/none"))


def test_sac_cannot_choose_among_augmentations() -> None:
    with pytest.raises(ValueError, match=r"^augment: ucb chooses by the returns of rollouts"):
        validate.check(tiny(augment="ucb:flip,grayscale"), Path("runs/none"))


class TestOfGames:
    """Needs Procgen."""

    @pytest.fixture(autouse=True)
    def _procgen(self) -> None:
        pytest.importorskip("procgen", reason="no wheel of procgen for this platform")

    def test_a_sound_game_passes(self) -> None:
        validate.check(game(), Path("runs/none"))
        validate.check(game(augment="crop", crop="resize"), Path("runs/none"))
        validate.check(game(procgen={"num_levels": 0, "test_split": "test-all"}), Path("runs/none"))
        validate.check(game(procgen={"distribution_mode": "exploration", "test_split": "train"}), Path("runs/none"))
        themes = {"distribution_mode": "hard", "train_split": "themes-train", "test_split": "themes-test"}
        validate.check(game(procgen=themes), Path("runs/none"))

    @pytest.mark.parametrize(
        ("procgen", "flag", "said"),
        [
            ({"distribution_mode": "memory"}, "distribution_mode", "allowed: easy, hard, exploration"),
            (
                {"train_split": "trian"},
                "train_split",
                "unknown split 'trian'; did you mean train?; known: train, ",
            ),
            ({"test_split": "tset"}, "test_split", "unknown split 'tset'"),
            ({"test_split": "themes-test"}, "test_split", "allowed: procgen/coinrun hard"),
            ({"start_level": 5}, "start_level", "needs num_levels, got 5 alone"),
            ({"start_level": 5, "num_levels": 0}, "start_level", "5 has no effect with num_levels 0"),
            ({"start_level": -2}, "start_level", "must be from -1 (the split's) to 2^31 - 1, got -2"),
            ({"num_levels": 2**31}, "num_levels", "must be from -1 (the split's) to 2^31 - 1, got 2147483648"),
            ({"start_level": 2**31 - 5, "num_levels": 10}, "start_level", "is impossible"),
            ({"num_levels": 10, "train_split": "test"}, "train_split", "exclude each other"),
            ({"train_split": "test"}, "test_split", "shares 1,000 levels with what is trained on, test [1000000"),
            ({"start_level": 1_000_990, "num_levels": 200}, "test_split", "shares 10 levels"),
            ({"num_levels": 0}, "test_split", "shares 1,000 levels"),
            ({"distribution_mode": "hard", "train_split": "themes-test"}, "test_split", "shares "),
            ({"distribution_mode": "exploration"}, "test_split", "impossible in mode exploration"),
            (
                {"distribution_mode": "exploration", "num_levels": 5, "test_split": "train"},
                "num_levels",
                "impossible in mode exploration",
            ),
        ],
    )
    def test_wrong_levels(self, procgen: dict[str, Any], flag: str, said: str) -> None:
        refused(game(procgen=procgen), flag, said)

    def test_options_that_change_nothing(self) -> None:
        refused(game(task="procgen/bigfish", procgen={"center_agent": False}), "center_agent", "changes nothing in")
        refused(game(task="procgen/maze", procgen={"paint_vel_info": True}), "paint_vel_info", "changes nothing in")
        validate.check(game(procgen={"center_agent": False, "paint_vel_info": True}), Path("runs/none"))

    @pytest.mark.parametrize(
        ("run", "flag", "said"),
        [
            (
                {"augment": "crop", "crop": "render"},
                "augment",
                "needs frames of 76 pixels, but procgen/coinrun draws 64",
            ),
            ({"augment": "translate"}, "augment", "draws 64 only"),
            ({"image_size": 84}, "image_size", "84 is impossible for procgen tasks; allowed: 64"),
            ({"parallel_envs": True}, "parallel_envs", "True is impossible for procgen tasks; allowed: False"),
            ({"task": "procgen/coinrunn"}, "task", "did you mean procgen/coinrun?"),
            ({"action_repeat": 4, "frames": 80}, "action_repeat", "4 is impossible for procgen tasks; allowed: 1"),
            ({"render_quality": "fast"}, "render_quality", "fast is impossible for procgen tasks; allowed: paper"),
        ],
    )
    def test_wrong_scenes(self, run: dict[str, Any], flag: str, said: str) -> None:
        refused(game(**run), flag, said)

    def test_sac_is_told_what_takes_discrete_actions(self) -> None:
        config = tiny(task="procgen/coinrun", image_size=64)
        with pytest.raises(ValueError, match=r"^algo: procgen/coinrun has discrete actions, .*; allowed: ppo"):
            validate.check(config, Path("runs/none"))

    def test_a_rollout_larger_than_memory_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # 5 steps of 4 environments with 3 x 64 x 64 bytes take 245,760
        monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 245_759)
        refused(game(), "num_steps", "allowed here: at most 4")
        monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 245_760)
        validate.check(game(), Path("runs/none"))
