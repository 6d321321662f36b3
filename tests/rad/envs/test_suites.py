"""The table of the suites: what is alike in all of them, and what it costs to read."""

import subprocess
import sys

import pytest

from rad import envs
from rad.envs.suites import SUITES, check_scene, name_in_suite, score_range, suite_of


@pytest.mark.parametrize("name", SUITES)
def test_an_entry_holds_together(name: str) -> None:
    suite = SUITES[name]
    made = [part for part in ("build", "make") if hasattr(suite.load(), part)]
    assert made == (["make"] if suite.steps_all else ["build"])
    assert not suite.example or envs.check_task(f"{name}/{suite.example}") is None
    assert not suite.splits or {"train", *suite.published_splits} <= suite.splits.keys()
    assert not suite.default_test or suite.default_test in suite.splits
    assert suite.only.keys() <= {*envs.make.__kwdefaults__}


@pytest.mark.parametrize(("name", "split"), [(name, split) for name, suite in SUITES.items() for split in suite.splits])
def test_every_split_of_a_suite_can_be_had(name: str, split: str) -> None:
    suite = SUITES[name]
    options = suite.options(distribution_mode="hard") if suite.has_levels else suite.options()  # type: ignore[call-arg]
    difference = suite.split(f"{name}/{suite.example}", split, options, "test", None)
    assert (difference is None) == (split == "train" and not suite.has_levels)
    assert bool(suite.splits[split]) == (not suite.has_levels)


def test_what_a_suite_has_one_value_of_is_refused_by_name() -> None:
    check_scene("probe/value", camera_id=0, render_quality="paper")
    check_scene("dmc/walker-walk", camera_id=3)
    with pytest.raises(ValueError, match=r"^camera_id 1 is impossible for probe tasks; allowed: 0$"):
        check_scene("probe/value", camera_id=1)
    with pytest.raises(ValueError, match=r"^gym/x has no split test; allowed: train$"):
        suite_of("gym/x").split("gym/x", "test", None, "test")


def test_a_task_is_taken_apart() -> None:
    assert suite_of("dmc/walker-walk") is SUITES["dmc"] and name_in_suite("gym/module:A/B-v0") == "module:A/B-v0"
    assert score_range("dmc/walker-walk", {}) == (0.0, 1000.0)


def test_the_table_is_read_without_a_simulator() -> None:
    heavy = ("torch", "gymnasium", "cv2", "mujoco", "dm_control", "procgen")
    code = f"import sys, rad.envs.suites; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
