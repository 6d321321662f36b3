"""The table of the suites: all that differs from one to another. Importing it imports no simulator."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rad.envs.checks import did_you_mean
from rad.envs.dmc import appearances
from rad.envs.options import SuiteOptions
from rad.envs.procgen import levels
from rad.envs.procgen import options as procgen
from rad.envs.procgen.games import score_range as procgen_range
from rad.settings import SettingError, check_name

TRAIN = appearances.TRAIN  # the split to train on, in every suite
DEFAULT_IMAGE_SIZE, DEFAULT_FRAME_STACK = 84, 3  # Table 3 of CURL (Srinivas et al. 2020)


def only_train(task: str, name: str, options: SuiteOptions, side: str, folder: Any = None) -> None:
    """Accept `train` alone, as the task is, for a suite without splits; else raise a SettingError."""
    if name != TRAIN:
        raise SettingError("split", f"{task} has no split {name}; allowed: {TRAIN}")


@dataclass(frozen=True)
class Suite:
    """One suite of tasks.

    Attributes:
        module: imported at its first use; it has `names()` and `build`, which makes a `Simulator`, or `make`, which
            makes a `VectorEnv` that steps all environments in one call. It may have `check(name)`, which raises a
            ValueError where not `names()` alone decide, and `action_repeat(name)`, the default where it is not 1.
        example: the task that `rad doctor` draws; "" for none.
        extra: of the library, with the package that it needs; "" for none.
        steps_all: it has `make` instead of `build`.
        frame_stack: default number of frames in an observation.
        only: arguments of `rad.envs.make` that have one value here.
        options: class of its options.
        splits: names of all splits, with a line about each; "" where the split describes itself.
        split: returns, by task, split, options, side (train or test) and the user's folder of clips, the `split` of
            `rad.envs.make`; None for the task as it is.
        default_test: the default split to test on; "" for none.
        has_levels: a split is a set of levels, so that episodes of two splits cannot be paired; else it is an
            appearance, and environments with one seed start from the same states in all of them.
        check_disjoint: raises a ValueError if a split to test on shares levels with the one to train on.
        shows_clips: its appearances can show clips, including the user's.
        tells_robot: `robot_mask` tells which pixels show the robot, and `object_frames` draws single objects changed.
        discrete: all its tasks have discrete actions.
        long_episodes: all have more than ten steps.
        score_range: returns the published returns of score 0 and score 1, by task and options; None if there are none.
        published_splits: our splits that published scores were measured on, with their published names.
    """

    module: str
    example: str = ""
    extra: str = ""
    steps_all: bool = False
    frame_stack: int = DEFAULT_FRAME_STACK
    only: Mapping[str, Any] = field(default_factory=dict)
    options: type[SuiteOptions] = SuiteOptions
    splits: Mapping[str, str] = field(default_factory=dict)
    split: Callable[..., Any] = only_train
    default_test: str = ""
    has_levels: bool = False
    check_disjoint: Callable[[Any, Any], None] = lambda train, test: None
    shows_clips: bool = False
    tells_robot: bool = False
    discrete: bool = False
    long_episodes: bool = False
    score_range: Callable[[str, Mapping[str, Any]], tuple[float, float]] | None = None
    published_splits: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> Any:
        """Return its module."""
        return importlib.import_module(self.module)


_DRAWING: dict[str, Any] = {"camera_id": 0, "render_quality": "paper"}
PLAIN_SCENE = _DRAWING | {"split": None}

SUITES: dict[str, Suite] = {
    "dmc": Suite(
        "rad.envs.dmc.task",
        example="cartpole-swingup",
        extra="dmc",
        splits=appearances.ABOUT,
        split=appearances.appearance_of,
        shows_clips=True,
        tells_robot=True,
        long_episodes=True,
        # 1,000 steps of a reward in [0, 1], in all tasks but lqr. Source: Tassa et al. 2018 (arXiv 1801.00690).
        score_range=lambda name, options: (0.0, 1000.0),
        published_splits={TRAIN: "train"},
    ),
    "gym": Suite("rad.envs.gym", only=PLAIN_SCENE),
    "probe": Suite("rad.envs.probe", example="value", only=PLAIN_SCENE),
    "procgen": Suite(
        "rad.envs.procgen.env",
        example="coinrun",
        extra="procgen",
        steps_all=True,
        frame_stack=1,  # as published: Cobbe et al. 2020
        only=_DRAWING | {"image_size": procgen.IMAGE_SIZE, "action_repeat": 1, "parallel": False},
        options=procgen.ProcgenOptions,
        splits=dict.fromkeys(procgen.SPLITS, ""),
        split=procgen.split_of,
        default_test="test",
        has_levels=True,
        check_disjoint=levels.check_disjoint,
        discrete=True,
        score_range=procgen_range,
        # Published tests draw from all levels, and training from the first 200.
        published_splits={TRAIN: "train", levels.ALL_LEVELS: "test"},
    ),
}


def register(name: str, suite: Suite) -> None:
    """Make a suite known: its tasks are called `name/...`.

    Raises:
        ValueError: the name is taken or no word, or `suite` is something else.
    """
    check_name("suite", name, SUITES)
    if not isinstance(suite, Suite):
        raise ValueError(f"suite {name!r} must be a Suite, got {suite!r}")
    SUITES[name] = suite


def suite_of(task: str) -> Suite:
    """Return the suite that a task's name begins with.

    Raises:
        SettingError: it is unknown.
    """
    name = task.partition("/")[0]
    if name not in SUITES:
        hint = did_you_mean(task.rpartition("/")[2], _tasks())
        known = f"known: {', '.join(SUITES)}, as in dmc/walker-walk"
        raise SettingError("task", f"unknown suite of task {task!r}{hint}; {known}")
    return SUITES[name]


def _tasks() -> list[str]:
    """Return the tasks of all suites that can run here; this imports their simulators."""
    tasks: list[str] = []
    for name, suite in SUITES.items():
        with contextlib.suppress(ImportError, OSError):
            tasks += [f"{name}/{task}" for task in suite.load().names()]
    return tasks


def name_in_suite(task: str) -> str:
    """Return a task's name without its suite."""
    return task.partition("/")[2]


def check_scene(task: str, **scene: Any) -> None:
    """Raise a SettingError if an argument of `rad.envs.make` has another value in a task's suite."""
    suite = suite_of(task)
    for name, came in scene.items():
        if (allowed := suite.only.get(name, came)) != came:
            tasks = f"{task.partition('/')[0]} tasks"
            raise SettingError(name, f"{came} is impossible for {tasks}; allowed: {allowed}")


def score_range(task: str, options: Mapping[str, Any]) -> tuple[float, float]:
    """Return the published returns of a task that are score 0 and score 1.

    Raises:
        ValueError: there are none.
    """
    suite = SUITES.get(task.partition("/")[0])
    if suite is None or suite.score_range is None:
        with_range = " and ".join(name for name, other in SUITES.items() if other.score_range)
        raise ValueError(f"task {task!r} has no published range of returns; known: tasks of {with_range}")
    return suite.score_range(name_in_suite(task), options)
