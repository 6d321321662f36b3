"""States move between the host and a card, here a fake one: what is loaded goes where the agent's own lies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes

from rad.agents.base import Agent
from rad.buffers.replay import Replay
from rad.runtime import checkpoint
from tests.devices.fake_card import CARD, fake_card
from tests.devices.nested import tensors
from tests.devices.test_addresses import GENERATORS, STATISTICS
from tests.devices.test_fake_card import filled_replay
from tests.rad.agents import small, small_ppo
from tests.rad.runtime.checkpoint.nested import as_saved

Make = Callable[..., Agent]

CASES: dict[str, tuple[Make, dict[str, Any]]] = {
    "sac": (small.small_agent, {"auxiliary_loss": "curl:dim=8"}),
    "sac-frozen": (small.small_agent, {"freeze_augment": True}),
    "ppo": (small_ppo.small_agent, {"objective": "kl", "num_steps": 2, "num_minibatches": 2, "num_epochs": 1}),
}
DRAWN = ("views/held/", "views/frozen_params/")
"""Parameters of augmentations that were drawn once: moved when they are used."""


SMALL = ("action", "reward", "terminated", "age", "last", "head")
"""What a replay keeps on the host."""


@pytest.fixture(params=CASES)
def make(request: pytest.FixtureRequest) -> Make:
    function, options = CASES[request.param]
    return lambda **more: function(**options, **more)


def learn(agent: Any) -> None:
    is_ppo = hasattr(agent, "begin_rollout")
    agent.update(small_ppo.small_rollout(agent) if is_ppo else small.small_batch())


def on_host(agent: Agent) -> set[str]:
    """Return the paths of tensors of the state that do not lie on the card, drawn parameters apart."""
    state = tensors(agent.state_dict())
    return {path for path, value in state if value.device != CARD and not path.startswith(DRAWN)}


def test_a_state_of_the_host_goes_on_on_the_card(make: Make) -> None:
    original = make()
    learn(original)
    state = as_saved(original.state_dict())
    with fake_card():
        agent = make(device=CARD)
        learn(agent)
        before = on_host(agent)
        assert before <= GENERATORS | STATISTICS
        agent.load_state_dict(state)
        assert on_host(agent) == before
        learn(agent)


def test_a_checkpoint_of_the_card_goes_on_on_the_host(make: Make, tmp_path: Path) -> None:
    with fake_card():
        original = make(device=CARD)
        learn(original)
        state, weights = original.state_dict(), original.policy_state()
        with _disable_current_modes():  # states of generators are real and stay so
            checkpoint.save(tmp_path, 8, {"agent": state})
    saved = checkpoint.load(tmp_path)[1]["agent"]
    agent = make()
    agent.load_state_dict(saved)
    learn(agent)
    assert all(value.device.type == "cpu" for _, value in tensors(agent.state_dict()))
    agent.load_policy_state(weights)
    assert all(not value.any() for name in agent.acting for value in getattr(agent, name).parameters())


def test_a_replay_of_the_host_goes_on_on_the_card() -> None:
    state = as_saved(filled_replay().state_dict())
    with fake_card() as traffic:
        replay = Replay(20, (9, 4, 4), 2, num_envs=2, gamma=0.9, device=CARD)
        frames = replay.frames
        replay.load_state_dict(state)
        assert replay.frames is frames and frames.device == CARD
        assert (traffic.uploads, traffic.downloads) == (1, 0)
    assert all(value.device.type == "cpu" for name, value in vars(replay).items() if name in SMALL)


def test_a_replay_of_the_card_goes_on_on_the_host(tmp_path: Path) -> None:
    original, draw = filled_replay(), torch.Generator()
    expected = original.sample(8, draw.manual_seed(1)).built()
    with fake_card():
        original.frames = original.frames.to(CARD)
        with _disable_current_modes():  # all but the frames is real
            checkpoint.save(tmp_path, 8, {"replay": original.state_dict()})
    replay = Replay(20, (9, 4, 4), 2, num_envs=2, gamma=0.9)
    replay.load_state_dict(checkpoint.load(tmp_path)[1]["replay"])
    batch = replay.sample(8, draw.manual_seed(1)).built()
    assert all(torch.equal(*pair) for pair in zip(batch, expected, strict=True))


def test_a_policy_of_the_host_acts_on_the_card(make: Make) -> None:
    weights = make().policy_state()
    with fake_card():
        agent = make(device=CARD)
        agent.load_policy_state(weights)
        parameters = [value for name in agent.acting for value in getattr(agent, name).parameters()]
        assert {value.device for value in parameters} == {CARD}
        agent.act(np.zeros((2, *agent.image_shape), np.uint8), deterministic=True)
