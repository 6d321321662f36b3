import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rad import envs
from rad.envs.procgen.env import ProcgenEnv
from rad.envs.procgen.games import GAMES, modes_of
from rad.envs.procgen.levels import LevelRange, LevelSet
from rad.envs.procgen.options import ProcgenOptions, split_for

NUM_ENVS = 4
MODES = ("easy", "hard", "extreme", "memory", "exploration")


def make(game: str = "bossfight", *, num_envs: int = NUM_ENVS, seed: int = 3, stack: int = 1, **options: Any) -> Any:
    given = {name: options.pop(name) for name in ("split", "num_threads", "groups") if name in options}
    settings = {"num_envs": num_envs, "seed": seed, "frame_stack": stack, "options": ProcgenOptions(**options)}
    return envs.make(f"procgen/{game}", **settings, **given)


@pytest.fixture
def venv() -> Iterator[Any]:
    made = make()
    yield made
    made.close()


def actions_of(count: int, num_envs: int = NUM_ENVS, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randint(15, size=(count, num_envs))


def run(venv: Any, actions: np.ndarray) -> list[tuple[Any, ...]]:
    """Step and collect all that a learner sees."""
    names = ("level_seed", "prev_level_seed", "prev_level_complete", "timed_out")
    seen = []
    for action in actions:
        obs, reward, terminated, truncated, infos = venv.step(action)
        seen.append((obs, reward, terminated, truncated, *(infos[name] for name in names)))
    return seen


def assert_same(first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second):
        for a, b in zip(one, other):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.slow
def test_every_game_starts_and_steps_in_easy(game: str) -> None:
    venv = make(game)
    obs, infos = venv.reset()
    assert obs.shape == (NUM_ENVS, 3, 64, 64) and obs.dtype == np.uint8 and obs.max() > obs.min()
    assert LevelRange("train", 0, 200).contains(infos["level_seed"]).all()
    frames = {venv.step(action)[0].tobytes() for action in actions_of(12)}
    assert len(frames) > 1
    venv.close()


def test_names_modes_and_levels_are_those_of_the_package() -> None:
    native: Any = __import__("procgen.env", fromlist=["env"])
    assert list(GAMES) == native.ENV_NAMES == [name.partition("/")[2] for name in envs.task_names("procgen")]
    assert {mode for game in GAMES for mode in modes_of(game)} == set(native.DISTRIBUTION_MODE_DICT) == set(MODES)
    levels = {name: game.exploration for name, game in GAMES.items() if game.exploration is not None}
    assert levels == native.EXPLORATION_LEVEL_SEEDS


def test_50_pairs_start_and_30_are_refused_and_the_process_lives_on() -> None:
    started, refused = 0, 0
    for game, mode in itertools.product(GAMES, MODES):
        if mode in modes_of(game):
            venv = make(game, num_envs=1, distribution_mode=mode)
            assert venv.reset()[0].any()
            venv.close()
            started += 1
        else:
            text = rf"^distribution_mode: '{mode}' is unknown for procgen/{game}; allowed: easy, hard"
            with pytest.raises(ValueError, match=text):
                make(game, distribution_mode=mode)
            refused += 1
    assert (started, refused) == (50, 30)


@pytest.mark.parametrize(
    ("task", "changes", "text"),
    [
        (
            "procgen/bigfsh",
            {},
            "task: unknown task 'procgen/bigfsh'; did you mean procgen/bigfish?; known: bigfish, ",
        ),
        ("procgen/", {}, "task: unknown task 'procgen/'; known: bigfish, "),
        ("procgen/maze", {"seed": 2**31}, "seed: must be from 0 to 2147483647 for procgen tasks, got 2147483648"),
        ("procgen/maze", {"image_size": 84}, "image_size: 84 is impossible for procgen tasks; allowed: 64"),
        ("procgen/maze", {"action_repeat": 2}, "action_repeat: 2 is impossible for procgen tasks; allowed: 1"),
        ("procgen/maze", {"parallel": True}, "parallel: True is impossible for procgen tasks; allowed: False"),
        ("procgen/maze", {"camera_id": 1}, "camera_id: 1 is impossible for procgen tasks; allowed: 0"),
        ("procgen/maze", {"render_quality": "fast"}, "render_quality: fast is impossible for procgen tasks"),
        ("procgen/maze", {"options": ProcgenOptions("esay")}, "distribution_mode: 'esay' is unknown for procgen/maze"),
        ("procgen/maze", {"num_threads": -1}, "num_threads: must be at least 0, got -1"),
        (
            "probe/value",
            {"options": ProcgenOptions()},
            "options: must be SuiteOptions for probe/value, got Proc",
        ),
    ],
)
def test_impossible_arguments_are_named(task: str, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        envs.make(task, **changes)
    assert str(caught.value).startswith(text) and "\n" not in str(caught.value)


def test_defaults_of_the_suite_are_one_frame_of_64_px() -> None:
    venv: Any = envs.make("procgen/maze")
    assert venv.single_observation_space.shape == (3, 64, 64) and venv.get_attr("action_repeat") == (1,)
    assert str(venv.split) == "train [0, 200)"
    venv.close()


def test_exploration_is_one_level_of_hard() -> None:
    venv = make("maze", distribution_mode="exploration")
    level = GAMES["maze"].exploration
    obs, infos = venv.reset()
    assert (infos["level_seed"] == level).all()
    hard = make("maze", distribution_mode="hard", split=LevelRange("one", level, 1))
    np.testing.assert_array_equal(hard.reset()[0], obs)
    for made in (venv, hard):
        made.close()
    with pytest.raises(
        ValueError,
        match=r"^num_levels: some \[0, 5\) is impossible in mode exploration; allowed: its one level, train",
    ):
        make("maze", distribution_mode="exploration", split=LevelRange("some", 0, 5))
    with pytest.raises(ValueError, match=r"^split: test is impossible in mode exploration, .*; allowed: train$"):
        split_for("test", "maze", "exploration")


@pytest.mark.parametrize(
    ("option", "game"),
    [
        ("use_backgrounds", "coinrun"),
        ("restrict_themes", "coinrun"),
        ("use_monochrome_assets", "coinrun"),
        ("center_agent", "coinrun"),
        ("paint_vel_info", "coinrun"),
    ],
)
def test_every_option_changes_the_pictures(option: str, game: str) -> None:
    default = getattr(ProcgenOptions(), option)
    plain, changed = (make(game, distribution_mode="hard", **{option: value}) for value in (default, not default))
    assert not np.array_equal(plain.reset()[0], changed.reset()[0])
    plain.close()
    changed.close()


def test_threads_change_nothing() -> None:
    none, two = make(), make(num_threads=2)
    assert_same([none.reset()[:1]], [two.reset()[:1]])
    assert_same(run(none, actions_of(30)), run(two, actions_of(30)))
    state = envs.env_state(none)
    envs.load_env_state(two, state)
    none.close()
    two.close()


def test_the_same_seed_repeats_and_another_differs(venv: Any) -> None:
    twin, other = make(), make(seed=4)
    first = [venv.reset()[:1], *run(venv, actions_of(60))]
    assert_same([twin.reset()[:1], *run(twin, actions_of(60))], first)
    assert not np.array_equal(other.reset()[0], first[0][0])
    assert_same([other.reset(seed=3)[:1], *run(other, actions_of(60))], first)
    twin.close()
    other.close()


@pytest.mark.parametrize("seed", [-1, 2**31, [1, 2, 3, 4], 0.5])
def test_a_seed_that_is_none_is_refused_by_reset(venv: Any, seed: Any) -> None:
    before, _ = venv.reset()
    with pytest.raises(ValueError, match=r"^seed: must be from 0 to 2147483647 for procgen tasks, got "):
        venv.reset(seed=seed)
    np.testing.assert_array_equal(venv.observation, before)


def test_a_reset_in_the_middle_begins_other_episodes(venv: Any) -> None:
    levels = [tuple(venv.reset()[1]["level_seed"]) for _ in range(5)]
    assert len(set(levels)) == 5
    venv.step(np.full(NUM_ENVS, 4))
    venv.reset()
    *_, infos = venv.step(np.full(NUM_ENVS, 4))
    assert not infos["prev_level_complete"].any() and "episode" not in infos


def test_the_native_and_the_returned_frames_agree(venv: Any) -> None:
    obs, _ = venv.reset()
    native = venv._native.read().frames
    np.testing.assert_array_equal(obs.transpose(0, 2, 3, 1), native)
    np.testing.assert_array_equal(np.stack(venv.render()), native)


@pytest.mark.parametrize("stack", [1, 2])
def test_observations_lie_channels_last_in_memory(stack: int) -> None:
    venv = make(stack=stack)
    for obs in (venv.reset()[0], venv.step(np.zeros(NUM_ENVS, int))[0], venv.observation):
        assert obs.transpose(0, 2, 3, 1).flags.c_contiguous
    venv.close()


def test_groups_draw_the_levels_of_a_set_as_a_whole_does() -> None:
    split = LevelSet("some", (3, 5, 8, 13, 21, 34))
    whole, grouped = make(split=split), make(split=split, groups=2)
    np.testing.assert_array_equal(grouped.reset()[0], whole.reset()[0])
    for action in actions_of(120):
        for group, part in zip(grouped.groups, np.split(action, 2)):
            group.step_async(part)
        levels = [group.step_wait()[-1]["level_seed"] for group in grouped.groups]
        np.testing.assert_array_equal(np.concatenate(levels), whole.step(action)[-1]["level_seed"])
    assert len(set(np.concatenate(levels))) > 1
    whole.close()
    grouped.close()


def test_frames_are_stacked_oldest_first_and_a_new_episode_starts_with_its_own() -> None:
    stacked, single = make(stack=3), make()
    last, first = stacked.reset()[0], single.reset()[0]
    np.testing.assert_array_equal(last, np.tile(first, (1, 3, 1, 1)))
    ends = 0
    for action in actions_of(120):
        obs, _, ended, _, _ = stacked.step(action)
        newest = single.step(action)[0]
        np.testing.assert_array_equal(obs[~ended], np.concatenate([last[:, 3:], newest], 1)[~ended])
        np.testing.assert_array_equal(obs[ended], np.tile(newest[ended], (1, 3, 1, 1)))
        ends, last = ends + ended.sum(), obs
    assert ends > 0
    stacked.close()
    single.close()


def test_episodes_are_counted_and_their_levels_told(venv: Any) -> None:
    _, infos = venv.reset()
    level, total, length, ends = infos["level_seed"], np.zeros(NUM_ENVS), np.zeros(NUM_ENVS, int), 0
    for action in actions_of(150):
        _, reward, terminated, truncated, infos = venv.step(action)
        total, length = total + reward, length + 1
        np.testing.assert_array_equal(infos["prev_level_seed"], level)
        np.testing.assert_array_equal(infos["level_seed"][~terminated], level[~terminated])
        assert not truncated.any() and "final_obs" not in infos
        assert ("episode" in infos) == ("is_success" in infos) == terminated.any()
        if terminated.any():
            np.testing.assert_array_equal(infos["_episode"], terminated)
            np.testing.assert_array_equal(infos["_is_success"], terminated)
            np.testing.assert_array_equal(infos["is_success"], infos["prev_level_complete"])
            np.testing.assert_array_equal(infos["episode"]["r"][terminated], total[terminated])
            np.testing.assert_array_equal(infos["episode"]["l"][terminated], length[terminated])
        total[terminated], length[terminated] = 0.0, 0
        level, ends = infos["level_seed"], ends + terminated.sum()
    assert ends > 3


@pytest.mark.parametrize("game", ["maze", "leaper"])
def test_a_time_limit_is_told_by_the_length(game: str) -> None:
    """Standing still for as long as the game allows; the level is neither won nor lost."""
    venv = make(game, num_envs=2)
    venv.reset()
    for step in range(1, GAMES[game].time_limit + 1):
        _, _, terminated, _, infos = venv.step(np.full(2, 4))
        if step < GAMES[game].time_limit:
            assert not infos["timed_out"].any() and not terminated.any()
    assert terminated.all() and infos["timed_out"].all() and not infos["prev_level_complete"].any()
    assert infos["episode"]["l"].tolist() == [GAMES[game].time_limit] * 2
    venv.close()


def test_time_limits_are_those_of_the_native_states() -> None:
    for game in GAMES:
        venv = make(game, num_envs=1)
        assert native_time_limit(venv._native.blob(0)) == GAMES[game].time_limit, game
        venv.close()


def native_time_limit(blob: bytes) -> int:
    """Game::serialize: version, name, 17 integers, two generators (integer and text), 4 integers, the limit."""
    place = 4

    def skip_text() -> None:
        nonlocal place
        place += 4 + int(np.frombuffer(blob, np.int32, 1, place)[0])

    skip_text()
    place += 17 * 4
    for _ in range(2):
        place += 4
        skip_text()
    return int(np.frombuffer(blob, np.int32, 1, place + 4 * 4)[0])


def test_a_reached_goal_is_told() -> None:
    venv = make("leaper", num_envs=16)
    venv.reset()
    complete, reward = 0, 0.0
    for action in np.random.RandomState(0).choice([5, 4], p=[0.7, 0.3], size=(150, 16)):  # up, or wait
        _, rewards, terminated, _, infos = venv.step(action)
        assert not (infos["prev_level_complete"] & ~terminated).any()
        complete, reward = complete + infos["prev_level_complete"].sum(), reward + rewards.sum()
    assert complete > 0 and reward == 10 * complete
    venv.close()


@pytest.mark.parametrize(
    "split", [LevelRange("a", 40, 3), LevelRange("b", 1_000_000, 2), LevelRange("c", 2**31 - 3, 2)]
)
def test_levels_stay_in_the_split(split: LevelRange) -> None:
    venv = make(split=split)
    levels = set(venv.reset()[1]["level_seed"])
    for *_, level, _, _, _ in run(venv, actions_of(150)):
        levels |= set(level)
    assert levels == set(range(split.start_level, split.end))
    venv.close()


def test_a_level_outside_the_split_is_an_error_at_once() -> None:
    venv = make(split=LevelRange("train", 0, 3))
    venv.split = LevelRange("train", 0, 1)
    with pytest.raises(RuntimeError, match=r"^level [12] of environment \d lies outside the split train \[0, 1\)$"):
        [venv.reset() for _ in range(10)]
    venv.split = LevelRange("train", 0, 3)
    venv.reset()
    venv.split = LevelRange("test", 1_000_000, 1_000)
    with pytest.raises(RuntimeError, match=r"^level \d of environment 0 lies outside the split test \[1000000, "):
        venv.step(np.zeros(NUM_ENVS, int))
    venv.close()


@pytest.mark.parametrize(
    ("actions", "text"),
    [
        ([0, 0, 15, 0], "action of environment 2 must be 0 to 14, got 15"),
        ([0, -1, 0, 0], "action of environment 1 must be 0 to 14, got -1"),
        ([2**40, 0, 0, 0], "action of environment 0 must be 0 to 14, got 1099511627776"),
        ([0.0] * 4, "action must be an integer from 0 to 14, got 'float64'"),
        ([0] * 5, r"action must be of shape \[4\], got \[5\]"),
        (0, r"action must be of shape \[4\], got \[\]"),
    ],
)
def test_bad_actions_are_refused_and_change_nothing(venv: Any, actions: Any, text: str) -> None:
    venv.reset()
    before = repr(envs.env_state(venv))
    with pytest.raises(ValueError, match=f"^{text}$"):
        venv.step(actions)
    assert repr(envs.env_state(venv)) == before


@pytest.mark.parametrize("game", GAMES)
def test_resume_is_exact_in_every_game(game: str) -> None:
    venv, other = make(game, stack=2), make(game, stack=2, seed=77)
    venv.reset()
    run(venv, actions_of(25))
    state = envs.env_state(venv)
    np.testing.assert_array_equal(envs.load_env_state(other, state), venv.observation)
    rest = actions_of(60, seed=1)
    assert_same(run(venv, rest), run(other, rest))
    assert [e["episode_return"] for e in venv.resume_state] == [e["episode_return"] for e in other.resume_state]
    assert_same([venv.reset()[:1]], [other.reset()[:1]])
    venv.close()
    other.close()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"game": "maze"}, "task of the state must be 'procgen/maze', got 'procgen/bossfight'"),
        ({"distribution_mode": "hard"}, "options of the state must be "),
        ({"split": LevelRange("train", 0, 100)}, "options of the state must be "),
        ({"stack": 2}, r"observation of the state must be \[6, 64, 64\], got \[3, 64, 64\]"),
    ],
)
def test_a_state_of_another_environment_is_refused(venv: Any, changes: dict[str, Any], text: str) -> None:
    venv.reset()
    other = make(**changes)
    before, _ = other.reset()
    with pytest.raises(ValueError, match=f"^{text}"):
        envs.load_env_state(other, envs.env_state(venv))
    np.testing.assert_array_equal(other.observation, before)
    other.close()


@pytest.mark.parametrize("damage", ["flip", "cut", "version"])
def test_a_damaged_state_is_refused_before_anything_changes(venv: Any, damage: str) -> None:
    venv.reset()
    state = envs.env_state(venv)
    run(venv, actions_of(5))
    before = repr(envs.env_state(venv))
    last = state["envs"][-1]
    if damage == "flip":
        last["native"]["blob"][9000] ^= 1
    elif damage == "cut":
        last["native"]["blob"] = last["native"]["blob"][:-4]
    else:
        last["version"] = "0.10.6"
    with pytest.raises(
        ValueError, match=r"^(sha256 of the state must be \w+, as saved, got|version of the state must be)"
    ):
        envs.load_env_state(venv, state)
    assert repr(envs.env_state(venv)) == before


def test_views_are_drawn_anew_at_any_size(venv: Any) -> None:
    venv.reset()
    views = venv.call("render_frame", 512)
    assert len(views) == NUM_ENVS and views[0].shape == (512, 512, 3) and views[0].dtype == np.uint8
    assert venv.call("render_frame", 50)[-1].shape == (50, 50, 3)
    small = venv.call("render_frame", 64)[1].astype(float)
    seen = venv.observation.transpose(0, 2, 3, 1)  # the same scene, drawn without antialiasing
    errors = [np.abs(small - frame).mean() for frame in seen]
    assert np.argmin(errors) == 1 and errors[1] < 25
    with pytest.raises(ValueError, match=r"^size: must be from 1 to 2048, got 0"):
        venv.call("render_frame", 0)
    with pytest.raises(IndexError):
        views[NUM_ENVS]


def test_any_set_of_levels_can_be_played_and_each_starts_as_in_procgen() -> None:
    levels = (5, 17, 900, 123_456)
    venv = make(split=LevelSet("some", levels))
    starts = {}
    for level in levels:
        native = make(num_envs=1, split=LevelRange("one", level, 1))
        starts[level] = native.reset()[0][0]
        native.close()
    obs, infos = venv.reset()
    begun, level = np.ones(NUM_ENVS, bool), infos["level_seed"]
    seen = set()
    for action in actions_of(200):
        for i in np.flatnonzero(begun):
            np.testing.assert_array_equal(obs[i], starts[int(level[i])])
            seen.add(int(level[i]))
        obs, _, begun, _, infos = venv.step(action)
        np.testing.assert_array_equal(infos["prev_level_seed"], level)
        level = infos["level_seed"]
    assert seen == set(levels)
    venv.close()


def test_a_set_of_levels_plays_as_procgen_plays_them() -> None:
    """Within an episode nothing differs from the level as Procgen begins it."""
    ours, theirs = make(split=LevelSet("one", (42,))), make(split=LevelRange("one", 42, 1))
    assert_same([ours.reset()[:1]], [theirs.reset()[:1]])
    assert_same(run(ours, actions_of(150)), run(theirs, actions_of(150)))
    ours.close()
    theirs.close()


@pytest.mark.slow
def test_resume_is_exact_on_a_set_of_levels() -> None:
    split = LevelSet("some", tuple(range(0, 300, 7)))
    venv, other = make(split=split), make(split=split, seed=8)
    venv.reset()
    run(venv, actions_of(40))
    envs.load_env_state(other, envs.env_state(venv))
    rest = actions_of(150, seed=2)
    assert_same(run(venv, rest), run(other, rest))
    venv.close()
    other.close()


def test_without_a_split_the_levels_are_those_to_train_on() -> None:
    made = make("bigfish", use_backgrounds=False)
    assert isinstance(made, ProcgenEnv) and made.split == LevelRange("train", 0, 200)
    made.close()
