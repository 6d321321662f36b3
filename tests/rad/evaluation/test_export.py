"""What stands on the card of an exported agent."""

from typing import Any

import pytest

from rad.evaluation.export import evaluate_command
from rad.experiment.algorithms.sac import SACRun
from rad.report.read.evaluation_files import SplitResult


@pytest.mark.parametrize(
    ("own", "played", "words"),
    [
        ((), None, ""),
        (("train=a",), ["train=a"], ""),
        (("train=a",), ["train=a", "test=my clips"], " --background-dir 'test=my clips'"),
    ],
)
def test_a_return_is_played_again_with_the_clips_of_its_episodes(own: Any, played: Any, words: str) -> None:
    fields: dict[str, Any] = {"task": "dmc/walker-walk", "frames": 4, "split": "video-easy", "background_dir": played}
    fields |= {"seed": 7, "policy": "mode", "envs": 1, "episodes_per_env": 3, "episodes": 3, "episode_return_mean": 5.0}
    result = SplitResult(**fields)
    assert evaluate_command(SACRun(background_dir=own), result) == (
        f"rad evaluate FILE --splits video-easy --envs 1 --episodes 3 --policy mode --seed 7{words}"
    )
