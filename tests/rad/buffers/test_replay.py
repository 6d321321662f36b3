from collections import Counter, deque
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rad.buffers.replay import Replay
from rad.types import FrameStacks, Transition
from tests.reference.replay import NStep, ReferenceReplay

SIDE = 2
GAMMA = 0.5  # with whole rewards, every discounted sum is exact in float32
NUM_ENVS = 3


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(slots: int, *, num_envs: int = 1, frame_stack: int = 1, **options: Any) -> Replay:
    shape = (3 * frame_stack, SIDE, SIDE)
    return Replay(slots * num_envs, shape, 1, num_envs=num_envs, frame_stack=frame_stack, gamma=GAMMA, **options)


class Player:
    """Plays random episodes into several replays at once, each stack as an environment would give it."""

    def __init__(self, frame_stack: int, num_envs: int, *replays: Any, seed: int = 0, side: int = SIDE) -> None:
        self.random, self.side = np.random.default_rng(seed), side
        self.replays, self.num_envs = replays, num_envs
        self.stacks: list[deque[np.ndarray]] = [deque(maxlen=frame_stack) for _ in range(num_envs)]
        self.running = [False] * num_envs

    def play(self, steps: int) -> None:
        for _ in range(steps):
            env = int(self.random.integers(self.num_envs))
            if self.running[env]:
                self.step(env, *self.random.choice([(0, 0), (0, 0), (0, 0), (1, 0), (0, 1)]))
            else:
                self.start(env)

    def start(self, env: int) -> None:
        self.stacks[env].extend([self.frame()] * self.stacks[env].maxlen)
        self.running[env] = True
        for replay in self.replays:
            replay.start(env, self.obs(env, replay))

    def step(self, env: int, terminated: int, truncated: int) -> None:
        action = self.random.random(1).astype(np.float32)
        reward = float(self.random.integers(-8, 8))
        self.stacks[env].append(self.frame())
        self.running[env] = not (terminated or truncated)
        ends = {"terminated": bool(terminated), "truncated": bool(truncated)}
        for replay in self.replays:
            given = torch.from_numpy(action) if isinstance(replay, Replay) else action
            replay.add(env, given, reward, self.obs(env, replay), **ends)

    def frame(self) -> np.ndarray:
        return self.random.integers(0, 256, (3, self.side, self.side), dtype=np.uint8)

    def obs(self, env: int, replay: Any) -> Any:
        stack = np.concatenate(self.stacks[env])
        return torch.from_numpy(stack) if isinstance(replay, Replay) else stack


def sampled_keys(batch: Transition) -> list[tuple]:
    batch = batch.built()
    rows = zip(batch.obs.numpy(), batch.action.numpy(), batch.reward, batch.discount, batch.next_obs.numpy())
    return [(o.tobytes(), a.tobytes(), float(r), float(d), n.tobytes()) for o, a, r, d, n in rows]


def reference_key(row: NStep) -> tuple:
    return row.obs.tobytes(), row.action.tobytes(), row.reward, row.discount, row.next_obs.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [30, 400], ids=["filling", "wrapped"])
@pytest.mark.parametrize("frame_stack", [1, 3])
@pytest.mark.parametrize("n_step", [1, 3])
def test_every_transition_of_the_reference_is_drawn_equally_often_and_no_other(n_step, frame_stack, steps) -> None:
    slots = 25
    replay = make(slots, num_envs=NUM_ENVS, frame_stack=frame_stack, n_step=n_step)
    reference = ReferenceReplay(NUM_ENVS, frame_stack, GAMMA, n_step)
    Player(frame_stack, NUM_ENVS, replay, reference, seed=steps).play(steps)
    expected = {reference_key(row) for row in reference.transitions(slots)}
    assert len(expected) > 8
    draws = 200 * len(expected)
    counts = Counter(sampled_keys(replay.sample(draws, generator())))
    assert set(counts) == expected
    # Chi-square of equal chances: mean df, standard deviation sqrt(2 df); five of them is one in a million.
    mean = draws / len(expected)
    chi_square = sum((count - mean) ** 2 / mean for count in counts.values())
    freedom = len(expected) - 1
    assert chi_square < freedom + 5 * (2 * freedom) ** 0.5


def test_every_prefix_of_a_stream_agrees_with_the_reference() -> None:
    replay, reference = make(9, frame_stack=3, n_step=3), ReferenceReplay(1, 3, GAMMA, 3)
    player = Player(3, 1, replay, reference, seed=5)
    for _ in range(60):
        player.play(1)
        expected = {reference_key(row) for row in reference.transitions(9)}
        assert replay.can_sample() == bool(expected)
        if expected:
            assert set(sampled_keys(replay.sample(64, generator()))) <= expected


def test_the_first_frame_is_repeated_and_the_oldest_comes_first() -> None:
    replay = make(8, frame_stack=3)
    stacks = [colors(1, 1, 1), colors(1, 1, 2), colors(1, 2, 3)]
    replay.start(0, stacks[0])
    for stack in stacks[1:]:
        replay.add(0, torch.zeros(1), 0.0, stack, terminated=False, truncated=False)
    batch = replay.sample(64, generator())
    pairs = {(tuple(o), tuple(n)) for o, n in zip(colors_of(batch.obs), colors_of(batch.next_obs))}
    assert pairs == {((1, 1, 1), (1, 1, 2)), ((1, 1, 2), (1, 2, 3))}


def colors(*frames: int) -> Tensor:
    """Return a stack whose frames are plain."""
    return torch.tensor(frames, dtype=torch.uint8).repeat_interleave(3)[:, None, None].expand(-1, SIDE, SIDE)


def colors_of(stacks: FrameStacks) -> list[list[int]]:
    return stacks.images[:, ::3, 0, 0].tolist()


def play(replay: Replay, rewards: list[float], terminated: bool, first: int = 0) -> None:
    """Play an episode whose frames are colored first, first + 1, ... and which then ends."""
    replay.start(0, colors(first))
    for number, reward in enumerate(rewards, start=1):
        over = number == len(rewards)
        replay.add(
            0,
            torch.zeros(1),
            reward,
            colors(first + number),
            terminated=over and terminated,
            truncated=over and not terminated,
        )


def by_obs(replay: Replay) -> dict[int, tuple[float, float, int]]:
    """Return, by the color of obs, what can be sampled: reward, discount and the color of next_obs."""
    batch = replay.sample(500, generator())
    rows = zip(colors_of(batch.obs), batch.reward.tolist(), batch.discount.tolist(), colors_of(batch.next_obs))
    return {obs[0]: (reward, discount, following[0]) for obs, reward, discount, following in rows}


def test_a_terminated_episode_has_no_future() -> None:
    replay = make(10)
    play(replay, [1.0, 2.0], terminated=True)
    assert by_obs(replay) == {0: (1.0, 0.5, 1), 1: (2.0, 0.0, 2)}


def test_a_truncated_episode_bootstraps() -> None:
    replay = make(10)
    play(replay, [1.0, 2.0], terminated=False)
    assert by_obs(replay) == {0: (1.0, 0.5, 1), 1: (2.0, 0.5, 2)}


def test_n_steps_end_with_the_episode() -> None:
    replay = make(20, n_step=3)
    play(replay, [1.0, 2.0, 4.0, 8.0], terminated=False)
    play(replay, [16.0, 32.0], terminated=True, first=100)
    assert by_obs(replay) == {
        0: (1 + 2 / 2 + 4 / 4, 0.5**3, 3),
        1: (2 + 4 / 2 + 8 / 4, 0.5**3, 4),
        2: (4 + 8 / 2, 0.5**2, 4),  # two steps to the time limit, whose state still has a value
        3: (8.0, 0.5, 4),
        100: (16 + 32 / 2, 0.0, 102),
        101: (32.0, 0.0, 102),
    }


def test_a_start_cuts_off_the_episode_under_way() -> None:
    replay = make(10)
    replay.start(0, colors(0))
    replay.add(0, torch.zeros(1), 1.0, colors(1), terminated=False, truncated=False)
    play(replay, [2.0], terminated=False, first=100)
    assert by_obs(replay) == {0: (1.0, 0.5, 1), 100: (2.0, 0.5, 101)}


@pytest.mark.parametrize("frame_stack", [1, 3])
@pytest.mark.parametrize("n_step", [1, 3])
def test_the_smallest_replay_can_always_be_sampled(n_step: int, frame_stack: int) -> None:
    least = Replay.least_slots(frame_stack, n_step)
    for seed in range(5):
        replay = make(least, frame_stack=frame_stack, n_step=n_step)
        player = Player(frame_stack, 1, replay, seed=seed)
        player.play(n_step + 1)
        for _ in range(40):
            player.play(1)
            assert replay.can_sample()


def test_types_and_shapes() -> None:
    replay = make(25, num_envs=NUM_ENVS, frame_stack=3)
    Player(3, NUM_ENVS, replay).play(60)
    batch = replay.sample(7, generator())
    assert batch.obs.shape == batch.next_obs.shape == (7, 9, SIDE, SIDE)
    assert batch.obs.images.shape == batch.obs.shape
    assert batch.obs.images.dtype == batch.next_obs.images.dtype == torch.uint8
    assert batch.action.shape == (7, 1) and batch.reward.shape == batch.discount.shape == (7,)
    assert {batch.action.dtype, batch.reward.dtype, batch.discount.dtype} == {torch.float32}


def test_sampling_draws_from_the_generator_alone() -> None:
    replay = make(25)
    Player(1, 1, replay).play(40)
    state = torch.get_rng_state()
    first, again, other = (sampled_keys(replay.sample(32, generator(seed))) for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), state)


def test_a_hundred_thousand_transitions_of_100_px_fit_in_3_2_gb() -> None:
    episodes = 100_000 // 125  # cartpole-swingup: 125 agent steps an episode, which take 126 slots
    replay = Replay(1_000, (9, 100, 100), 6, gamma=GAMMA)
    arrays = [value for value in vars(replay).values() if isinstance(value, Tensor)]
    assert sum(array.nbytes for array in arrays) / 1_000 * (100_000 + episodes) < 3.2e9
    assert Replay.nbytes(1_000, (9, 100, 100), 3) == replay.frames.nbytes


def test_its_length_is_the_number_of_frames_held() -> None:
    replay = make(6, num_envs=2)
    assert len(replay) == 0
    play(replay, [1.0, 1.0], terminated=True)
    assert len(replay) == 3
    play(replay, [1.0] * 8, terminated=True)
    assert len(replay) == 6


def test_a_restored_replay_gives_the_same_samples_and_goes_on_alike() -> None:
    options = {"num_envs": 2, "frame_stack": 3, "n_step": 3}
    for steps in (25, 90):  # half full; wrapped
        original, restored = make(20, **options), make(20, **options)
        player = Player(3, 2, original)
        player.play(steps)
        restored.load_state_dict(original.state_dict())
        assert sampled_keys(restored.sample(99, generator())) == sampled_keys(original.sample(99, generator()))
        player.replays = (original, restored)
        player.play(20)
        assert sampled_keys(restored.sample(99, generator())) == sampled_keys(original.sample(99, generator()))


def test_the_state_holds_no_more_frames_than_were_filled() -> None:
    replay = make(1_000)
    play(replay, [1.0, 1.0], terminated=True)
    assert len(replay.state_dict()["frames"]) == 3


def test_nothing_can_be_sampled_before_a_transition_is_complete() -> None:
    replay = make(10, n_step=2)
    for action in (
        lambda: None,
        lambda: replay.start(0, colors(0)),
        lambda: replay.add(0, torch.zeros(1), 0.0, colors(1), terminated=False, truncated=False),
    ):
        action()
        assert not replay.can_sample()
        with pytest.raises(ValueError, match="no complete transition"):
            replay.sample(4, generator())
    replay.add(0, torch.zeros(1), 0.0, colors(2), terminated=False, truncated=False)
    assert len(sampled_keys(replay.sample(4, generator()))) == 4


@pytest.mark.parametrize(
    ("capacity", "options", "message"),
    [
        (100, {"n_step": 0}, "n_step=0"),
        (100, {"frame_stack": 0}, "frame_stack=0"),
        (100, {"frame_stack": 2}, "divide the 9 channels"),
        (4, {}, "at least 5 frames for each of 1 environments, got 4"),
        (20, {"num_envs": 5}, "at least 5 frames for each of 5 environments, got 20"),
        (6, {"n_step": 3}, "at least 7 frames"),
    ],
)
def test_impossible_sizes_are_refused(capacity: int, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Replay(capacity, (9, SIDE, SIDE), 1, gamma=GAMMA, **options)


@pytest.mark.parametrize(("there", "here", "steps"), [(9, 8, 8), (8, 9, 8), (9, 8, 20)])
def test_a_state_of_another_capacity_is_refused(there: int, here: int, steps: int) -> None:
    """It wraps around at another slot."""
    replay = make(there)
    fill(replay, steps)
    with pytest.raises(ValueError, match=f"slots of the state must be {here} per environment, got {there}"):
        make(here).load_state_dict(replay.state_dict())


@pytest.mark.parametrize("other", [8, 20])
def test_a_state_that_fits_goes_on_as_if_the_capacity_had_always_been_this(other: int) -> None:
    replay, whole = make(9), make(other)
    fill(replay, 7), fill(whole, 7)
    grown = make(other)
    grown.load_state_dict(replay.state_dict())
    for buffer in (grown, whole):
        fill(buffer, 30, first=7)
    batches = [buffer.sample(64, torch.Generator().manual_seed(0)) for buffer in (grown, whole)]
    assert all(torch.equal(*pair) for pair in zip(*(batch.built() for batch in batches)))
    assert grown.slots == other and len(grown) == min(other, 38)


def fill(replay: Replay, steps: int, first: int = 0) -> None:
    """Add steps of one endless episode, which begins with the first."""
    for step in range(first, steps):
        obs = torch.full((3, SIDE, SIDE), step + 1, dtype=torch.uint8)
        if not step:
            replay.start(0, torch.zeros_like(obs))
        replay.add(0, torch.tensor([float(step)]), float(step), obs, terminated=False, truncated=False)
