"""What every environment of `rad.envs.make` keeps, whatever its suite."""

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from rad import envs
from rad.envs.probe import PROBES

pytestmark = pytest.mark.slow

GYM = ["gym/tests.rad.envs.painted:Painted-v0", "gym/tests.rad.envs.painted:PaintedBox-v0"]
DMC = ["dmc/cartpole-swingup", "dmc/reacher-easy"]
PROBE = [f"probe/{name}" for name in PROBES]
PROCGEN = ["procgen/bossfight"]  # short episodes under random actions
SINGLES = DMC + GYM + PROBE  # a vector of single environments
TASKS = SINGLES + PROCGEN
SINGLES_WITH_CHANCE = [*DMC, *GYM, "probe/observation", "probe/both-discrete", "probe/color"]
WITH_CHANCE = SINGLES_WITH_CHANCE + PROCGEN
SIZE, STACK, NUM_ENVS = 24, 3, 2


def make(task: str, **changes: Any) -> Any:
    """Small and quick: episodes of dm_control last three agent steps, the last of them cut short."""
    options: dict[str, Any] = {"num_envs": NUM_ENVS, "seed": 7, "image_size": SIZE, "frame_stack": STACK}
    if task in DMC:
        options |= {"render_quality": "fast", "action_repeat": 10}
    if task in PROCGEN:
        del options["image_size"]  # it has one
    venv: Any = envs.make(task, **(options | changes))
    if task in DMC and not changes.get("parallel"):
        for single in [single for pool in getattr(venv, "groups", (venv,)) for single in pool.envs]:
            single.simulator._env._step_limit = 24
    return venv


@pytest.fixture(params=TASKS)
def venv(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = make(request.param)
    yield made
    made.close()


@pytest.fixture(params=SINGLES)
def singles(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = make(request.param)
    yield made
    made.close()


def actions_of(venv: Any, count: int, seed: int = 0) -> list[Any]:
    venv.action_space.seed(seed)
    return [venv.action_space.sample() for _ in range(count)]


def run(venv: Any, actions: list[Any]) -> list[Any]:
    """Step and collect everything that a learner sees, infos flattened to what they say."""
    seen = []
    for action in actions:
        obs, reward, terminated, truncated, infos = venv.step(action)
        seen.append((obs, reward, terminated, truncated))
        done = terminated | truncated
        if done.any():
            if "final_obs" in infos:  # where the suite can give it
                seen.append((np.stack(infos["final_obs"][done]),))
            seen.append((infos["episode"]["r"][done], infos["episode"]["l"][done]))
    return seen


def assert_same(first: list[Any], second: list[Any]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second):
        for a, b in zip(one, other):
            np.testing.assert_array_equal(a, b)


def test_spaces_shapes_and_types(venv: Any) -> None:
    obs, _ = venv.reset()
    assert isinstance(venv, gymnasium.vector.VectorEnv)
    side = SIZE if hasattr(venv, "envs") else 64  # Procgen has one size
    assert obs.dtype == np.uint8 and obs.shape == (NUM_ENVS, 3 * STACK, side, side)
    assert obs in venv.observation_space
    box = venv.single_action_space
    if isinstance(box, gymnasium.spaces.Box):
        assert box.dtype == np.float32 and (box.low == -1).all() and (box.high == 1).all()
    else:
        assert isinstance(box, gymnasium.spaces.Discrete) and box.start == 0
    obs, reward, terminated, truncated, _ = venv.step(venv.action_space.sample())
    assert obs in venv.observation_space
    assert reward.dtype == np.float64 and reward.shape == (NUM_ENVS,)
    assert terminated.dtype == truncated.dtype == np.bool_
    assert not (terminated & truncated).any()
    assert venv.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.SAME_STEP


def test_gymnasium_accepts_a_single_environment(singles: Any) -> None:
    check_env(singles.envs[0], skip_render_check=True, skip_close_check=True)


def test_the_same_seed_repeats_and_make_seeds_the_first_reset(venv: Any) -> None:
    actions = actions_of(venv, 9)
    unseeded = [venv.reset()[0]], run(venv, actions)
    seeded = [venv.reset(seed=7)[0]], run(venv, actions)
    assert_same([unseeded[0]], [seeded[0]])
    assert_same(unseeded[1], seeded[1])


@pytest.mark.parametrize("task", WITH_CHANCE)
def test_seeds_and_environments_differ(task: str) -> None:
    venv = make(task, num_envs=4)
    first = [venv.reset()[0] for _ in range(4)]
    second = [venv.reset(seed=1000)[0], *(venv.reset()[0] for _ in range(3))]
    venv.close()
    assert not np.array_equal(first, second)
    assert len({obs.tobytes() for obs in first[0]}) > 1, "all environments start alike"
    assert len({obs.tobytes() for obs in first}) > 1, "all episodes start alike"


@pytest.mark.parametrize("task", SINGLES_WITH_CHANCE)
def test_environment_i_is_seeded_with_seed_plus_i(task: str) -> None:
    one, two = make(task, seed=7), make(task, seed=8)
    assert np.array_equal(one.reset()[0][1], two.reset()[0][0])
    one.close()
    two.close()


def test_global_random_state_is_not_used(venv: Any) -> None:
    np.random.seed(5)  # noqa: NPY002 (the state under test)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    venv.reset()
    run(venv, actions_of(venv, 4))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_final_obs_is_the_last_observation_and_the_next_episode_begins(singles: Any) -> None:
    """Against the single environment, driven by hand."""
    actions = actions_of(singles, 14)
    twin = make(singles.envs[0].simulator.task, num_envs=1)
    single = twin.envs[0]
    singles.reset()
    expected, _ = single.reset()
    ends, length, total = 0, 0, 0.0
    for action in actions:
        obs, rewards, terminated, truncated, infos = singles.step(action)
        expected, reward, term, trunc, info = single.step(action[0])
        length, total = length + 1, total + reward
        assert (rewards[0], terminated[0], truncated[0]) == (reward, term, trunc)
        if term or trunc:
            assert info["episode"] == {"r": total, "l": length}
            assert infos["_final_obs"][0] and infos["_episode"][0] and infos["_final_info"][0]
            np.testing.assert_array_equal(infos["final_obs"][0], expected)
            assert (infos["episode"]["r"][0], infos["episode"]["l"][0]) == (total, length)
            assert infos["final_info"]["episode"]["r"][0] == total
            expected, _ = single.reset()
            ends, length, total = ends + 1, 0, 0.0
        else:
            assert not infos.get("_episode", [False])[0]
        np.testing.assert_array_equal(obs[0], expected)
    assert ends > 0
    twin.close()


def test_frames_are_stacked_oldest_first(venv: Any) -> None:
    obs, _ = venv.reset()
    newest = np.stack(venv.render()).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(obs, np.tile(newest, (1, STACK, 1, 1)))
    for action in actions_of(venv, 5):
        last, (obs, _, terminated, truncated, infos) = obs, venv.step(action)
        done = terminated | truncated
        for i in range(NUM_ENVS):
            if done[i] and "final_obs" not in infos:
                continue
            now = infos["final_obs"][i] if done[i] else obs[i]
            np.testing.assert_array_equal(now[:-3], last[i][3:])
        np.testing.assert_array_equal(obs[:, -3:], np.stack(venv.render()).transpose(0, 3, 1, 2))


def test_returned_arrays_are_copies(venv: Any) -> None:
    obs, _ = venv.reset()
    kept = obs.copy()
    run(venv, actions_of(venv, 3))
    np.testing.assert_array_equal(obs, kept)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("steps", [0, 1, 4, 7])
def test_resume_is_exact(task: str, steps: int) -> None:
    venv = make(task)
    venv.reset()
    run(venv, actions_of(venv, steps))
    present = np.stack(venv.get_attr("observation"))
    state = envs.env_state(venv)
    rest = actions_of(venv, 12, seed=1)
    expected = run(venv, rest)
    venv.close()
    other = make(task, seed=99)
    other.reset()
    np.testing.assert_array_equal(envs.load_env_state(other, state), present)
    assert_same(run(other, rest), expected)
    other.close()


def test_a_state_is_plain_and_later_steps_do_not_change_it(venv: Any) -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(entry) for key, entry in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        if isinstance(value, np.ndarray):
            return value.dtype.kind in "iuf"
        return isinstance(value, (int, float, str, bool))

    venv.reset()
    run(venv, actions_of(venv, 2))
    state = envs.env_state(venv)
    assert plain(state)
    before = repr(state)
    run(venv, actions_of(venv, 8))
    assert repr(state) == before


def test_a_state_from_before_the_first_reset(venv: Any) -> None:
    state = envs.env_state(venv)
    first, _ = venv.reset()
    assert not envs.load_env_state(venv, state).any()
    again, _ = venv.reset()
    np.testing.assert_array_equal(first, again)


def test_drawing_a_video_frame_disturbs_nothing(venv: Any) -> None:
    actions = actions_of(venv, 6)
    venv.reset(seed=3)
    plain = run(venv, actions)
    venv.reset(seed=3)
    watched = []
    for action in actions:
        frames = venv.call("render_frame", 50)
        assert all(frame.shape == (50, 50, 3) and frame.dtype == np.uint8 for frame in frames)
        watched += run(venv, [action])
    assert_same(plain, watched)


def test_bad_actions_are_refused(venv: Any) -> None:
    space = venv.single_action_space
    venv.reset()
    if isinstance(space, gymnasium.spaces.Discrete):
        bad: list[Any] = [-1, int(space.n), 0.5, np.array([0])]
    else:
        bad = [np.full(space.shape, value, np.float32) for value in (np.nan, np.inf, -np.inf)]
        bad.append(np.zeros((*space.shape, 1), np.float32))
    for action in bad:
        with pytest.raises(ValueError, match=r"^action .*must be .*, got .*$"):
            venv.step(np.stack([action] * NUM_ENVS))
    venv.step(venv.action_space.sample())


def test_a_refused_action_changes_nothing_in_a_single_environment(singles: Any) -> None:
    single = singles.envs[0]
    single.reset()
    before = repr(single.resume_state)
    with pytest.raises(ValueError, match=r"^action "):
        single.step(np.full((9, 9), 2**20))
    assert repr(single.resume_state) == before


def test_a_step_without_a_reset_is_refused(venv: Any) -> None:
    with pytest.raises(RuntimeError, match="call reset"):
        venv.step(venv.action_space.sample())


def test_close_twice(venv: Any) -> None:
    venv.reset()
    singles = getattr(venv, "envs", ())
    venv.close()
    venv.close()
    for single in singles:
        single.close()


@pytest.mark.parametrize("task", TASKS)
def test_a_step_in_two_halves_is_a_step(task: str) -> None:
    whole, halves = make(task), make(task)
    try:
        for venv in (whole, halves):
            venv.reset()
        for action in actions_of(whole, 6):
            expected = whole.step(action)
            halves.step_async(action)
            assert_same([halves.step_wait()[:4]], [expected[:4]])
    finally:
        whole.close()
        halves.close()


@pytest.mark.parametrize("task", TASKS)
def test_environments_in_groups_are_those_of_a_whole(task: str) -> None:
    """From the start, and from a state of the whole: runs from before there were groups have such states."""
    whole, grouped = make(task, num_envs=3), make(task, num_envs=3, groups=2)
    try:
        assert [group.num_envs for group in grouped.groups] == [2, 1]
        assert grouped.action_space == whole.action_space
        assert_same([whole.reset()[:1]], [grouped.reset()[:1]])
        for action in actions_of(whole, 8):
            assert_same([whole.step(action)[:4]], [step_groups(grouped, action)])
        for action in actions_of(whole, 3, seed=1):
            step_groups(grouped, action)
        state = envs.env_state(whole)
        np.testing.assert_array_equal(envs.load_env_state(grouped, state), np.stack(whole.get_attr("observation")))
        assert repr(envs.env_state(grouped)) == repr(state)
        for action in actions_of(whole, 8, seed=2):
            assert_same([whole.step(action)[:4]], [step_groups(grouped, action)])
    finally:
        whole.close()
        grouped.close()


def step_groups(grouped: Any, action: Any) -> tuple[Any, ...]:
    """Let all groups be simulated at once."""
    for group, part in zip(grouped.groups, np.split(action, [2])):
        group.step_async(part)
    return tuple(map(np.concatenate, zip(*(group.step_wait()[:4] for group in grouped.groups))))


def test_groups_are_at_most_as_many_as_environments_and_seeded_when_made() -> None:
    single, grouped = make("probe/value", num_envs=1, groups=2), make("probe/value", num_envs=2, groups=5)
    assert not hasattr(single, "groups") and len(grouped.groups) == 2
    with pytest.raises(
        ValueError, match=r"^seed must be None for environments in groups, which are made with one; got 3"
    ):
        grouped.reset(seed=3)
    with pytest.raises(ValueError, match=r"^groups: must be at least 1, got 0$"):
        make("probe/value", groups=0)
    for venv in (single, grouped):
        venv.close()


@pytest.mark.parametrize("task", [DMC[1], GYM[1], "probe/both"])
def test_parallel_environments_equal_serial_ones(task: str) -> None:
    options: dict[str, Any] = {
        "num_envs": NUM_ENVS,
        "image_size": SIZE,
        "action_repeat": 300 if task in DMC else 1,
    }
    serial: Any = envs.make(task, **options)
    parallel: Any = envs.make(task, parallel=True, **options)
    assert parallel.single_observation_space == serial.single_observation_space
    assert parallel.single_action_space == serial.single_action_space
    actions = actions_of(serial, 12)
    try:
        assert_same([serial.reset()[:1]], [parallel.reset()[:1]])
        assert_same(run(serial, actions[:5]), run(parallel, actions[:5]))
        state = envs.env_state(parallel)
        expected = run(serial, actions[5:])
        assert_same(run(parallel, actions[5:]), expected)
        envs.load_env_state(parallel, state)
        assert_same(run(parallel, actions[5:]), expected)
        envs.load_env_state(serial, state)
        assert_same(run(serial, actions[5:]), expected)
        assert [frame.shape for frame in parallel.call("render_frame", 40)] == [(40, 40, 3)] * NUM_ENVS
        assert tuple(parallel.get_attr("action_repeat")) == serial.get_attr("action_repeat")
    finally:
        serial.close()
        parallel.close()
