from pathlib import Path

import pytest

from rad.training.messages import evaluated, opening
from tests.integration.runs import tiny, tiny_ppo


@pytest.mark.parametrize(
    ("device", "end"), [("cpu", "fp32, 1 thread"), ("cuda", "fp32, 1 thread, observations stored on cpu")]
)
def test_a_run_on_a_gpu_says_where_its_observations_lie(device: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    made_with = {"device": device, "hardware": "model", "precision": "fp32"}
    line = opening(tiny(), Path("run"), made_with, stored_on="cpu").splitlines()[3]
    assert line == f"device  {device} (model), {end}"


def test_a_run_that_is_too_short_to_learn_is_warned_of_before_it_trains() -> None:
    made_with = {"device": "cpu", "hardware": "model", "precision": "fp32"}
    short = tiny(task="dmc/cartpole-swingup", frames=4_000, warmup_steps=1_000)
    assert opening(short, Path("run"), made_with).splitlines()[4:] == [
        "warning: --frames 4,000 is 500 agent steps, and --warmup-steps 1,000 come before the first update: "
        "nothing will be learned; give more than 8,000 frames or fewer warm-up steps"
    ]
    for enough in (tiny(), tiny_ppo()):
        assert len(opening(enough, Path("run"), made_with).splitlines()) == 4


def test_evaluations_of_several_splits_say_once_what_they_took() -> None:
    row = {"episode_return_mean": 5.0, "episode_return_std": 1.0, "episodes": 2.0}
    assert evaluated({"eval": row, "eval/color-hard": row}, 80, seconds=40.0).splitlines() == [
        "evaluation at 80 frames: mean return 5, std 1, 2 episodes",
        "evaluation at 80 frames, color-hard: mean return 5, std 1, 2 episodes, all in 40 s",
    ]
    assert evaluated({"baseline": row}, 0, seconds=40.0) == "random policy: mean return 5, std 1, 2 episodes, in 40 s"
