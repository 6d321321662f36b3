"""Every run sees the same states, each in its own way, and the robot's pixels are the simulator's."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from rad import envs
from rad.attention import states
from rad.attention.lift import dilate
from rad.attention.states import check_alike, collect_states, play_episodes, replay, stack_of
from rad.evaluation.loaded_run import LoadedRun, untrained_agent
from rad.experiment.algorithms.sac import SACRun
from rad.experiment.presets import preset
from tests.integration.runs import tiny, tiny_ppo

pytestmark = pytest.mark.slow  # they simulate


def untrained(config: Any) -> LoadedRun:
    return LoadedRun(config, untrained_agent(config), 0)


def on_cartpole(**fields: Any) -> SACRun:
    return tiny(task="dmc/cartpole-balance", action_repeat=100, image_size=48, frame_stack=2, **fields)


def test_all_see_the_same_moments_each_in_its_own_way() -> None:
    runs = [untrained(on_cartpole(seed=1)), untrained(on_cartpole(seed=2, augment="crop", render_quality="fast"))]
    plain, cropped = collect_states(runs, 7, seed=0, split="train")
    assert plain.obs.shape == (7, 6, 48, 48) and cropped.obs.shape[:2] == (7, 6) and cropped.obs.shape[2] > 48
    assert plain.masks is not None and cropped.masks is not None
    # The same pole: as wide a share of the frame, give or take what rounding to pixels does.
    np.testing.assert_allclose(plain.masks.mean((1, 2)), cropped.masks.mean((1, 2)), atol=0.01)
    assert len({obs.tobytes() for obs in plain.obs}) == 7


def test_runs_that_see_alike_share_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """As each would see on its own; which of them see alike follows from what the environment is made by."""
    runs = [untrained(on_cartpole(seed=seed)) for seed in (1, 2)]
    ways: list[dict[str, Any]] = [{"augment": "crop"}, {"render_quality": "fast"}, {"train_split": "color-hard"}]
    runs += [untrained(on_cartpole(**fields)) for fields in ways]
    alone = [replay(run.config, play_episodes(runs[0], 1, 5, "train"), [3], "train").obs for run in runs]
    assert np.array_equal(alone[0], alone[1])
    replays: list[Any] = []

    def counted(config: Any, *arguments: Any) -> Any:
        replays.append(config)
        return replay(config, *arguments)

    monkeypatch.setattr(states, "replay", counted)
    seen = collect_states(runs, 5, seed=0, split="train")
    assert len(replays) == 5 * 4  # episodes, and ways to see them
    assert np.array_equal(seen[0].obs, seen[1].obs)
    assert seen[2].obs.shape != seen[0].obs.shape and not np.array_equal(seen[3].obs, seen[0].obs)
    assert not np.array_equal(seen[4].obs, seen[0].obs)


def test_moments_are_spread_over_the_episodes_of_all_runs() -> None:
    runs = [untrained(on_cartpole(seed=seed)) for seed in (1, 2)]
    first, second = (play_episodes(run, 1, 5 + number, "train") for number, run in enumerate(runs))
    assert len(first.actions) == 10 and first.ends == [9] and first.seed != second.seed
    shown = replay(runs[1].config, first, [0, 9], "train")
    assert shown.obs.shape[0] == 2 and not np.array_equal(*shown.obs)


def test_more_moments_than_an_episode_has_take_another_episode() -> None:
    result = play_episodes(untrained(on_cartpole()), 11, 0, "train")
    assert result.ends == [9, 19] and len(result.actions) == 20


def test_the_same_seed_gives_the_same_bank_and_another_does_not() -> None:
    run = untrained(on_cartpole())
    one, again, other = (collect_states([run], 4, seed, "train")[0].obs for seed in (0, 0, 1))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_a_replay_that_goes_another_way_is_refused() -> None:
    run = untrained(on_cartpole())
    played = play_episodes(run, 1, 0, "train")
    wrong = played._replace(rewards=[reward + 1e-6 for reward in played.rewards])
    with pytest.raises(RuntimeError, match="step 0 gave a reward of"):
        replay(run.config, wrong, [0], "train")


@pytest.mark.parametrize(
    ("step", "frame_stack", "steps"), [(0, 3, [0, 0, 0]), (1, 3, [0, 0, 1]), (4, 3, [2, 3, 4]), (5, 2, [5, 5])]
)
def test_the_frames_of_a_stack(step: int, frame_stack: int, steps: list[int]) -> None:
    """By hand: an episode of the steps 0 to 4, then another."""
    assert stack_of(step, [4, 9], frame_stack) == steps


def test_an_object_is_changed_in_every_frame_of_the_stack() -> None:
    """Each frame is that of its own moment: it equals the observation where the object is not."""
    run = untrained(on_cartpole(render_quality="fast"))
    states = collect_states([run], 10, 0, "train", "removed")[0]
    objects = states.objects
    assert objects is not None and objects.obs.shape == (10, len(objects.names), 6, 48, 48)
    np.testing.assert_array_equal(states.obs, collect_states([run], 10, 0, "train")[0].obs)
    pole = objects.names.index("pole_1")
    older, newest = ((objects.obs[:, pole, part] != states.obs[:, part]).any(1) for part in (slice(3), slice(3, 6)))
    np.testing.assert_array_equal(newest, newest & dilate(objects.masks[:, pole], 1))
    # The states are all steps of an episode: the older frame is the state's before, where the pole was then; at the
    # start it is the same frame.
    np.testing.assert_array_equal(older[1:], newest[:-1])
    np.testing.assert_array_equal(older[0], newest[0])
    assert newest.any() and not np.array_equal(older, newest)


def test_other_suites_have_no_masks() -> None:
    run = untrained(tiny_ppo())
    states = collect_states([run], 3, 0, "train")[0]
    assert states.masks is None and states.obs.shape[0] == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"task": "dmc/walker-walk"}, "runs differ in task: dmc/cartpole-swingup, dmc/walker-walk"),
        ({"action_repeat": 4}, "runs differ in action_repeat: 8, 4"),
        ({"camera_id": 1}, "runs differ in camera_id: 0, 1"),
    ],
)
def test_runs_that_see_different_things(fields: dict[str, Any], said: str) -> None:
    config = preset("rad")
    with pytest.raises(ValueError, match=said):
        check_alike([config, dataclasses.replace(config, **fields)], "train")


@pytest.mark.parametrize(("task", "area"), [("cartpole-swingup", 0.019), ("walker-walk", 0.069), ("dog-walk", 0.12)])
def test_the_robot_is_what_the_simulator_says(task: str, area: float) -> None:
    """Measured by hand on pictures with the mask in another color; nothing of the frame is changed by asking."""
    env: Any = envs.make(f"dmc/{task}")
    obs, _ = env.reset(seed=1)
    mask = env.call("robot_mask")[0]
    assert mask.shape == (84, 84) and mask.mean() == pytest.approx(area, abs=0.003)
    np.testing.assert_array_equal(env.envs[0].simulator.frame(), obs[0][-3:])
    env.close()


def test_what_belongs_to_the_robot() -> None:
    """By hand: geom 0 is of the world, geom 1 of a body; a site, a tendon, a skin, nothing."""
    segments = np.array([[[0, 5], [1, 5], [0, 6]], [[0, 18], [0, 11], [-1, -1]]], np.int32)
    from rad.envs.dmc.task import robot_in

    assert robot_in(segments, np.array([0, 1])).tolist() == [[False, True, False], [True, True, False]]


def test_a_suite_that_cannot_tell_says_so() -> None:
    env: Any = envs.make("probe/both")
    env.reset()
    with pytest.raises(ValueError, match="task must be of dmc to know the robot's pixels, got probe/both"):
        env.call("robot_mask")
    env.close()
