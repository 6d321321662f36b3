"""An update makes no host wait, and keeps to a budget of calls.

A budget is the count of today, with the small networks of these tests. A change that needs more calls raises it, in
the same commit, with its reason; one that needs fewer lowers it.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import augment
from rad.buffers.rollout import RolloutBuffer
from tests.devices.calls import counted
from tests.rad.agents import small, small_ppo

OF_PPO = {"_local_scalar_dense": 1}
"""What an update of PPO reads: the mean return, for the bandit. Rewards and returns lie on the host."""

SAC_BUDGETS = {"fp32": (280, 154), "bf16": (391, 224)}
"""Calls of an update with a step of actor, temperature and targets, and of one without; crops are cut out of frames."""

PPO_BUDGETS = {"fp32": 155, "bf16": 172}
"""Calls of an update by one minibatch."""

ACTOR_BUDGETS = {"fp32": 29, "bf16": 38}
"""Calls of a step of PPO's policy, the copies to and from an accelerator among them."""

GATHERS = 8
"""Calls that make a minibatch, all fields of it."""

SAC_OPTIONS: dict[str, dict[str, Any]] = {
    "rad": {},
    "drq": {"op": "shift", "target_views": 2, "critic_views": 2},
    "svea": {"strong_augment": "random_conv"},
    "color": {"op": "crop+color_jitter"},
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
        batch = small.small_stacks(options.get("op", "crop"), seed=number)
        with counted() as calls:
            agent.update(batch)
        assert not calls.waiting


@pytest.mark.parametrize("options", PPO_OPTIONS.values(), ids=PPO_OPTIONS)
def test_an_update_of_ppo_reads_the_mean_return_alone(options: dict[str, Any]) -> None:
    agent = small_ppo.small_agent(**options)
    rollout = small_ppo.small_rollout(agent)
    with counted() as calls:
        agent.update(rollout)
    assert calls.waiting == OF_PPO


@pytest.mark.parametrize("spec", [*augment.names(), "flip/rotate+cutout"])
def test_an_augmentation_reads_no_value(spec: str) -> None:
    op = augment.make(spec, 36)
    images = torch.zeros(4, 6, *op.input_size(36, 36), dtype=torch.uint8)
    images = images if op.takes_bytes else images.float()
    params = op.draw(images.shape, torch.Generator().manual_seed(0))
    with counted() as calls:
        op.apply(images, params)
    assert not calls.waiting


@pytest.mark.parametrize("precision", SAC_BUDGETS)
def test_sac_keeps_to_its_budget_of_calls(precision: str) -> None:
    agent = small.small_agent(precision=precision)
    for _ in range(2):  # the first makes the state of the optimizers
        agent.update(small.small_stacks())
    for budget in SAC_BUDGETS[precision]:
        batch = small.small_stacks(seed=2)
        with counted() as calls:
            agent.update(batch)
        assert 100 < calls.launches.total() <= budget, calls.launches


@pytest.mark.parametrize("precision", PPO_BUDGETS)
def test_ppo_keeps_to_its_budget_of_calls(precision: str) -> None:
    agent = small_ppo.small_agent(precision=precision)
    rollout = small_ppo.small_rollout(agent)
    agent.update(rollout)
    batch = next(rollout.minibatches(3, 1, *torch.zeros(2, *rollout.reward.shape), agent.generator))
    with counted() as calls:
        agent._update_minibatch(batch)
    assert 100 < calls.launches.total() <= PPO_BUDGETS[precision], calls.launches


@pytest.mark.parametrize("precision", ACTOR_BUDGETS)
def test_a_step_of_ppo_keeps_to_its_budget_of_calls(precision: str) -> None:
    agent = small_ppo.small_agent(precision=precision)
    buffer = RolloutBuffer(2, small_ppo.ENVS, agent.image_shape)
    agent.begin_rollout(small_ppo.ENVS)
    with counted() as calls:
        agent.actor_step(buffer.upload(1, small_ppo.ALL), 1, small_ppo.ALL)
    assert not calls.waiting
    assert 20 < calls.launches.total() <= ACTOR_BUDGETS[precision], calls.launches


def test_minibatches_of_ppo_keep_to_their_budget_of_calls() -> None:
    agent = small_ppo.small_agent()
    rollout = small_ppo.small_rollout(agent)
    batches = rollout.minibatches(3, 2, *torch.zeros(2, *rollout.reward.shape), agent.generator)
    next(batches)
    for _ in range(5):
        with counted() as calls:
            next(batches)
        assert calls.launches == {"index_select": GATHERS} and not calls.waiting


@pytest.mark.parametrize(
    ("wait", "name"),
    [
        (lambda x: x.sum().item(), "_local_scalar_dense"),
        (lambda x: bool(x.sum() > 0), "_local_scalar_dense"),
        (lambda x: x[x > 0], "nonzero"),
        (lambda x: torch.where(x > 0), "nonzero"),
        (lambda x: x.masked_select(x > 0), "masked_select"),
        (lambda x: torch.equal(x, x + 1), "equal"),
    ],
)
def test_what_makes_a_host_wait_is_counted(wait: Callable[[Tensor], object], name: str) -> None:
    with counted() as calls:
        wait(torch.ones(3))
    assert calls.waiting == {name: 1}
