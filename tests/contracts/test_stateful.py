"""What every object with state_dict and load_state_dict keeps to.

To add one, put a `Case` into CASES: how to make it, how to move it on by one step, and what it shows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import augment
from rad.agents.bandit import UCB, BanditViews
from rad.agents.ppo import PPOAgent
from rad.agents.reward_norm import RewardNormalizer
from rad.agents.sac import SACAgent
from rad.agents.views import Views
from rad.buffers.replay import Replay
from rad.buffers.rollout import RolloutBuffer
from rad.loops import LoopState, OffPolicyState
from rad.runtime import checkpoint
from rad.runtime.clocks import Every
from rad.runtime.logging import Averages
from rad.types import ActorStep
from tests.rad.agents import small_ppo
from tests.rad.agents.small import small_agent, small_batch
from tests.rad.runtime.checkpoint.nested import same

pytestmark = pytest.mark.slow


@dataclass
class Case:
    """One stateful kind.

    make: a fresh object, always the same.
    step: (object, step number) -> what it shows of itself, plain values or tensors; also moves it on.
    """

    make: Callable[[], Any]
    step: Callable[[Any, int], Any]


def average_step(averages: Averages, number: int) -> Any:
    averages.add({"loss": torch.tensor(float(number) / 3), "count": number, f"name{number % 2}": 1.0})
    return averages.pop() if number % 4 == 3 else None


def replay_step(replay: Replay, number: int) -> Any:
    frame = torch.full((3, 2, 2), number, dtype=torch.uint8)
    if number % 5 == 0:
        replay.start(0, frame)
    else:
        replay.add(0, torch.full((1,), number), float(number), frame, terminated=number % 10 == 4, truncated=False)
    if not replay.can_sample():
        return None
    return tuple(replay.sample(4, torch.Generator().manual_seed(number)).built())


def standing_step(standing: LoopState, number: int) -> Any:
    if standing.agent_steps == 0:
        standing.episode_return, standing.episode_length = np.zeros(2), np.zeros(2, dtype=np.int64)
    obs = np.full((2, 3, 2, 2), number, dtype=np.uint8)
    episodes = standing.advance(obs, np.full(2, float(number)), np.array([number % 3 == 2, False]))
    shown = (standing.agent_steps, standing.obs, standing.episode_return.copy(), standing.episode_length.copy())
    return shown, [tuple(episode) for episode in episodes]


def progress_step(progress: OffPolicyState, number: int) -> Any:
    return standing_step(progress, number), torch.rand(2, generator=progress.generator)


def rollout_step(buffer: RolloutBuffer, number: int) -> Any:
    if buffer.full:
        buffer.clear()
    row = torch.tensor([number, number + 0.5])
    buffer.current[:] = number
    buffer.upload(buffer.steps, slice(0, 2))
    buffer.add(
        ActorStep(row.long(), row + 1, row + 2, row[:, None]),
        row + 3,
        terminated=row > 4,
        truncated=row < 2,
        final_value=row + 5,
    )
    return tuple(tensor.clone() for tensor in buffer.finish(row))


def normalizer_step(normalizer: RewardNormalizer, number: int) -> Any:
    return normalizer(torch.full((2, 3), float(number)), torch.full((2, 3), number % 3 == 0))


def frozen_views() -> Views:
    return Views(augment.make("crop+random_conv", size=8), torch.Generator().manual_seed(0), frozen=True)


def held_views() -> BanditViews:
    return BanditViews({"": augment.make("crop+random_conv", 8)}, (3, 10, 10), torch.Generator())


def held_step(views: BanditViews, number: int) -> Any:
    if number % 4 == 0:
        views.sample_params((2, 3, 10, 10), torch.device("cpu"))
    images = torch.arange(600).view(2, 3, 10, 10).to(torch.uint8) + number
    return views.apply_params(images, torch.tensor([1, 0]))


def view_step(views: Views, number: int) -> Any:
    return views(torch.full((1 + number % 3, 3, 10, 10), number, dtype=torch.uint8))


def agent_step(agent: SACAgent, number: int) -> Any:
    batch = small_batch(seed=number)
    return agent.update(batch), agent.act(batch.obs.numpy(), deterministic=False)


def ppo_step(agent: PPOAgent, number: int) -> Any:
    return agent.update(small_ppo.small_rollout(agent, number))


def bandit_step(bandit: UCB, number: int) -> Any:
    arm = bandit.choose()
    bandit.update(arm, float((number * 7 + arm) % 5))
    return arm, bandit.scores()


CASES = {
    "every": Case(lambda: Every(3), lambda every, number: every.due(2 * number)),
    "every-never": Case(lambda: Every(0), lambda every, number: every.due(number)),
    "averages": Case(Averages, average_step),
    "replay": Case(lambda: Replay(9, (3, 2, 2), 1, frame_stack=1, gamma=0.9, n_step=2), replay_step),
    "progress": Case(lambda: OffPolicyState(torch.Generator().manual_seed(0)), progress_step),
    "views": Case(frozen_views, view_step),
    "bandit": Case(lambda: UCB(3, window=2), bandit_step),
    "sac": Case(small_agent, agent_step),
    "sac-curl": Case(lambda: small_agent(auxiliary_loss="curl:dim=4"), agent_step),
    "standing": Case(LoopState, standing_step),
    "rollout": Case(lambda: RolloutBuffer(4, 2, (3, 2, 2)), rollout_step),
    "reward-normalizer": Case(lambda: RewardNormalizer(0.9, 10.0), normalizer_step),
    "held-views": Case(held_views, held_step),
    "ppo": Case(lambda: small_ppo.small_agent(objective="kl"), ppo_step),
}
STEPS_BEFORE, STEPS_AFTER = 6, 6


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def run(case: Case, thing: Any, first: int, count: int) -> list[Any]:
    return [case.step(thing, number) for number in range(first, first + count)]


@pytest.mark.slow
def test_a_restored_object_goes_on_like_the_first(case, tmp_path):
    original, restored = case.make(), case.make()
    run(case, original, 0, STEPS_BEFORE)
    checkpoint.save(tmp_path, STEPS_BEFORE, {"thing": original.state_dict()})
    restored.load_state_dict(checkpoint.load(tmp_path)[1]["thing"])
    expected = run(case, original, STEPS_BEFORE, STEPS_AFTER)
    assert same(run(case, restored, STEPS_BEFORE, STEPS_AFTER), expected)


@pytest.mark.slow
def test_restoring_gives_the_same_state_again(case, tmp_path):
    original, restored = case.make(), case.make()
    run(case, original, 0, STEPS_BEFORE)
    restored.load_state_dict(original.state_dict())
    assert same(restored.state_dict(), original.state_dict())


@pytest.mark.slow
def test_loading_overwrites_what_was_there(case):
    fresh, used = case.make(), case.make()
    run(case, used, 0, STEPS_BEFORE)
    used.load_state_dict(fresh.state_dict())
    assert same(run(case, used, 0, STEPS_AFTER), run(case, fresh, 0, STEPS_AFTER))


def test_asking_for_the_state_changes_nothing(case):
    watched, left_alone = case.make(), case.make()
    shown = []
    for number in range(STEPS_BEFORE):
        watched.state_dict()
        shown.append(case.step(watched, number))
    assert same(shown, run(case, left_alone, 0, STEPS_BEFORE))


def test_a_loaded_state_belongs_to_the_object(case):
    source, first, second = case.make(), case.make(), case.make()
    run(case, source, 0, STEPS_BEFORE)
    state = source.state_dict()
    first.load_state_dict(state)
    second.load_state_dict(state)
    expected = run(case, first, STEPS_BEFORE, STEPS_AFTER)
    assert same(run(case, second, STEPS_BEFORE, STEPS_AFTER), expected)
