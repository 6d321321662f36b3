"""An update makes no host wait, and keeps to a budget of calls.

A budget is the count of today, with the small networks of these tests. A change that needs more calls raises it, in
the same commit, with its reason; one that needs fewer lowers it.
"""

from typing import Any

import pytest
import torch

import augment
from tests.devices.calls import counted
from tests.rad.agents import small, small_ppo

HOST = {
    "ppo": {"_local_scalar_dense": 1},  # the mean return, for the bandit: rewards and returns lie on the host
}

SAC_OPTIONS: dict[str, dict[str, Any]] = {
    "rad": {},
    "drq": {"target_views": 2, "critic_views": 2},
    "svea": {"strong_augment": "random_conv"},
    "lean": {"actor_features": "before", "target_encoder": False},
    "curl": {"auxiliary_loss": "curl:dim=8"},
}
PPO_OPTIONS: dict[str, dict[str, Any]] = {
    "clip": {},
    "kl": {"objective": "kl", "augment_where": "consistency"},
    "continuous": {"discrete": False, "anneal_lr": True},
}


@pytest.mark.parametrize("options", SAC_OPTIONS.values(), ids=SAC_OPTIONS)
def test_an_update_of_sac_reads_no_value(options: dict[str, Any]) -> None:
    agent = small.small_agent(**options)
    for number in range(2):
        batch = small.small_batch(seed=number)
        with counted() as calls:
            agent.update(batch)
        assert not calls.waiting


@pytest.mark.parametrize("options", PPO_OPTIONS.values(), ids=PPO_OPTIONS)
def test_an_update_of_ppo_reads_the_mean_return_alone(options: dict[str, Any]) -> None:
    agent = small_ppo.small_agent(**options)
    rollout = small_ppo.small_rollout(agent)
    with counted() as calls:
        agent.update(rollout)
    assert calls.waiting == HOST["ppo"]


@pytest.mark.parametrize("spec", [*augment.names(), "flip/rotate+cutout"])
def test_an_augmentation_reads_no_value(spec: str) -> None:
    op = augment.make(spec, 36)
    images = torch.zeros(4, 6, *op.input_size(36, 36), dtype=torch.uint8)
    images = images if op.takes_bytes else images.float()
    params = op.draw(images.shape, torch.Generator().manual_seed(0))
    with counted() as calls:
        op.apply(images, params)
    assert not calls.waiting


@pytest.mark.parametrize(
    ("precision", "with_actor", "without"),
    [("fp32", 0, 0), ("bf16", 0, 0)],
)
def test_sac_keeps_to_its_budget_of_calls(precision: str, with_actor: int, without: int) -> None:
    agent = small.small_agent(precision=precision)
    agent.update(small.small_batch())  # makes the state of the optimizers
    agent.update(small.small_batch())
    for budget in (with_actor, without):
        batch = small.small_batch(seed=2)
        with counted() as calls:
            agent.update(batch)
        assert calls.launches.total() <= budget, calls.launches


@pytest.mark.parametrize(("precision", "budget"), [("fp32", 0), ("bf16", 0)])
def test_ppo_keeps_to_its_budget_of_calls(precision: str, budget: int) -> None:
    agent = small_ppo.small_agent(precision=precision)
    rollout = small_ppo.small_rollout(agent)
    agent.update(rollout)
    advantage, returns = torch.zeros(2, *rollout.reward.shape)
    batch = next(rollout.minibatches(3, advantage, returns, agent.generator))
    with counted() as calls:
        agent._update_minibatch(batch.to(agent.device))
    assert calls.launches.total() <= budget, calls.launches
