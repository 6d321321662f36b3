"""What is checked before a run of PPO."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from rad import validate
from rad.bounds import flag_name
from rad.config import PPORun, ProcgenConfig
from tests.integration.runs import tiny, tiny_ppo

GAME: dict[str, Any] = {"task": "procgen/coinrun", "image_size": 64, "encoder": "impala", "num_layers": 0}
GAME |= {"num_filters": 0, "crop": "pad"}


def game(agent: dict[str, Any] | None = None, procgen: dict[str, Any] | None = None, **run: Any) -> PPORun:
    return dataclasses.replace(tiny_ppo(agent, **(GAME | run)), procgen=ProcgenConfig(**(procgen or {})))


def refused(config: PPORun, flag: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        validate.check(config, Path("runs/none"))
    text = str(error.value)
    assert text.startswith(f"{flag_name(flag)}: ") and said in text and "\n" not in text


# Run, agent, what must be named and said.
WRONG: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"objective": "clipp"}, "objective", "must be clip or kl, got 'clipp'"),
    ({}, {"num_minibatches": 21}, "num_minibatches", "must be at most 20, the steps of a rollout, got 21"),
    ({"frames": 19}, {}, "frames", "must be at least 20, one rollout of 4 environments and 5 steps, got 19"),
    ({"encoder": "impala"}, {}, "num_", "the encoder impala has none"),
    ({"augment": "ucb:flip"}, {}, "augment", "two or more"),
    ({"augment": "ucb:flip,crp"}, {}, "augment", "unknown augmentation 'crp'"),
    ({"procgen": ProcgenConfig(distribution_mode="hard")}, {}, "distribution_mode", "has no meaning for probe/both"),
]


@pytest.mark.parametrize(("run", "agent", "flag", "said"), WRONG, ids=[case[2] for case in WRONG])
def test_what_is_wrong_is_named_in_one_line(run: dict, agent: dict, flag: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        validate.check(tiny_ppo(agent, **run), Path("runs/none"))
    text = str(error.value)
    assert text.startswith(flag_name(flag)) and said in text and "\n" not in text


def test_what_is_just_right_passes() -> None:
    for config in (
        tiny_ppo(frames=20),
        tiny_ppo({"num_minibatches": 20}),
        tiny_ppo(augment="ucb:flip,grayscale", task="probe/both-discrete"),
        tiny_ppo(encoder="nature", num_layers=0, num_filters=0, image_size=36),
    ):
        validate.check(config, Path("runs/none"))


def test_sac_cannot_choose_among_augmentations() -> None:
    with pytest.raises(ValueError, match="--augment: ucb chooses by the returns of rollouts"):
        validate.check(tiny(augment="ucb:flip,grayscale"), Path("runs/none"))


class TestOfGames:
    """Needs Procgen."""

    @pytest.fixture(autouse=True)
    def _procgen(self) -> None:
        pytest.importorskip("procgen", reason="no wheel of procgen for this platform")

    def test_a_sound_game_passes(self) -> None:
        validate.check(game(), Path("runs/none"))
        validate.check(game(augment="crop", crop="resize"), Path("runs/none"))
        validate.check(game(procgen={"num_levels": 0, "start_level": 0}), Path("runs/none"))

    @pytest.mark.parametrize(
        ("procgen", "flag", "said"),
        [
            ({"distribution_mode": "memory"}, "distribution_mode", "allowed: easy, hard, exploration"),
            ({"train_split": "trian"}, "train_split", "unknown split 'trian'; known: train, test, test-all, themes-"),
            ({"test_split": "tset"}, "test_split", "unknown split 'tset'"),
            ({"test_split": "themes-test"}, "test_split", "allowed: procgen/coinrun hard"),
            ({"start_level": 5}, "start_level", "needs --num-levels, got 5 alone"),
            ({"start_level": 5, "num_levels": 0}, "start_level", "5 has no effect with num_levels 0"),
            ({"start_level": 2**31 - 5, "num_levels": 10}, "start_level", "is impossible"),
            ({"num_levels": 10, "train_split": "test"}, "train_split", "exclude each other"),
        ],
    )
    def test_wrong_levels(self, procgen: dict[str, Any], flag: str, said: str) -> None:
        refused(game(procgen=procgen), flag, said)

    @pytest.mark.parametrize(
        ("run", "flag", "said"),
        [
            (
                {"augment": "crop", "crop": "render"},
                "augment",
                "needs frames of 76 pixels, but procgen/coinrun draws 64",
            ),
            ({"augment": "translate"}, "augment", "draws 64 only"),
            ({"image_size": 84}, "augment", "draws 64 only"),
            ({"task": "procgen/coinrunn"}, "task", "did you mean coinrun?"),
            ({"action_repeat": 4, "frames": 80}, "action_repeat", "4 is impossible for procgen tasks; allowed: 1"),
            ({"render_quality": "fast"}, "render_quality", "no meaning for procgen"),
        ],
    )
    def test_wrong_scenes(self, run: dict[str, Any], flag: str, said: str) -> None:
        refused(game(**run), flag, said)

    def test_sac_is_told_what_takes_discrete_actions(self) -> None:
        config = tiny(task="procgen/coinrun", image_size=64)
        with pytest.raises(ValueError, match=r"--algo: procgen/coinrun has discrete actions, .*; allowed: ppo"):
            validate.check(config, Path("runs/none"))

    def test_a_rollout_larger_than_memory_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # 5 steps of 4 environments with 3 x 64 x 64 bytes take 245,760
        monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 245_759)
        refused(game(), "num_steps", "allowed here: at most 4")
        monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 245_760)
        validate.check(game(), Path("runs/none"))
