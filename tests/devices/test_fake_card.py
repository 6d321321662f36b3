"""Acting, updates and augmentations on a fake CUDA device: one device, and nothing that makes the host wait."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import augment
from rad.agents.base import Agent
from tests.devices.fake_card import CARD, fake_card
from tests.rad.agents import small, small_ppo

SAC: dict[str, dict[str, Any]] = {
    "rad": {},
    "drq": {"target_views": 2, "critic_views": 2},
    "drq-shared-before": {"target_views": 2, "critic_views": 2, "share_draw": True, "actor_features": "before"},
    "svea": {"strong_augment": "random_conv"},
    "no-target-encoder-frozen": {"target_encoder": False, "freeze_augment": True},
    "bf16-curl": {"precision": "bf16", "auxiliary_loss": "curl:dim=8"},
}
PPO: dict[str, dict[str, Any]] = {
    "clip": {},
    "kl": {"objective": "kl"},
    "clip-consistency": {"augment_where": "consistency", "discrete": False, "anneal_lr": True},
    "kl-consistency-bf16-curl": {
        **{"objective": "kl", "augment_where": "consistency"},
        **{"precision": "bf16", "auxiliary_loss": "curl:dim=8"},
    },
}
SHORT = {"num_steps": 2, "num_minibatches": 2, "num_epochs": 1}


def on_card(agent: Agent) -> bool:
    modules = [part for part in vars(agent).values() if isinstance(part, torch.nn.Module)]
    return all(value.device == CARD for module in modules for value in module.parameters())


def observations(agent: Agent) -> np.ndarray:
    return np.zeros((3, *agent.image_shape), np.uint8)


@pytest.mark.parametrize("options", SAC.values(), ids=SAC)
def test_sac_learns_and_acts_without_waiting_for_the_card(options: dict[str, Any]) -> None:
    with fake_card() as traffic:
        agent = small.small_agent(device=CARD, **options)
        assert on_card(agent)
        traffic.reset()
        rows = [agent.update(small.small_batch()) for _ in range(2)]  # with and without a step of the actor
        assert traffic.downloads == 0
        assert {value.device for row in rows for value in row.values()} == {CARD}
        for deterministic in (True, False):
            agent.act(observations(agent), deterministic=deterministic)
        assert traffic.downloads == 2


@pytest.mark.parametrize("options", PPO.values(), ids=PPO)
def test_ppo_learns_and_acts_without_waiting_for_the_card(options: dict[str, Any]) -> None:
    with fake_card() as traffic:
        agent = small_ppo.small_agent(device=CARD, **SHORT, **options)
        assert on_card(agent)
        rollout = small_ppo.small_rollout(agent)
        traffic.reset()
        row = agent.update(rollout)
        assert traffic.downloads == 0
        agent.act(observations(agent), deterministic=False)
        assert traffic.downloads == 1


@pytest.mark.parametrize("spec", augment.names())
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_augmentations_stay_on_the_card(spec: str, layout: torch.memory_format) -> None:
    op, side = augment.make(spec, 36), augment.make(spec, 36).input_size(36, 36)
    images = torch.zeros(4, 6, *side, dtype=torch.uint8)
    op.draw(images.shape)
    with fake_card() as traffic:
        pixels = images.to(CARD).contiguous(memory_format=layout)
        out = op(pixels if op.takes_bytes else pixels.float(), torch.Generator())
        assert out.device == CARD and traffic.downloads == 0
