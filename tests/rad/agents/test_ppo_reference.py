"""The agent's whole update against the hand-written one in tests/reference/ppo.py."""

from typing import Any

import pytest
import torch
from torch import Tensor

from rad.agents.bandit import BanditViews, make_arms
from rad.agents.ppo import PPOAgent
from rad.types import Metrics, Rollout
from tests.rad.agents.small_ppo import ENVS, IMAGE, small_agent, small_rollout
from tests.rad.agents.test_sac_reference import channels_first, convolutions
from tests.reference.ppo import ReferenceConfig, ReferencePPO, ReferenceRollout
from tests.reference.sac import Params

TOLERANCE = 1e-4
EVERY = torch.arange(ENVS)
# Options of the agent, and what they are called in the reference.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "clip": ({}, {}),
    "kl": ({"objective": "kl"}, {"kl": True}),
    "consistency": ({"augment_where": "consistency"}, {"consistency": True}),
    "other numbers": (
        {"gamma": 0.9, "gae_lambda": 0.8, "ent_coef": 0.1, "vf_coef": 1.0, "max_grad_norm": 0.05, "clip_coef": 0.05},
        {"gamma": 0.9, "gae_lambda": 0.8, "ent_coef": 0.1, "vf_coef": 1.0, "max_grad_norm": 0.05, "clip": 0.05},
    ),
}


def learned(agent: PPOAgent) -> Params:
    """Give the agent's parameters under the reference's names."""
    head = {name.replace("trunk.0", "trunk"): value.detach() for name, value in agent.head.named_parameters()}
    head["trunk.weight"] = channels_first(head["trunk.weight"], agent.encoder.map_shape)
    return convolutions(agent.encoder) | head


def as_seen(agent: PPOAgent, rollout: Rollout) -> Tensor:
    """Return the images of the rollout as the policy saw them, [T, N, C, H, W]."""
    in_rollout = agent.config.augment_where == "rollout"
    return torch.stack(
        [agent.views.apply_params(obs, EVERY) if in_rollout else agent.views.eval_view(obs) for obs in rollout.obs]
    )


def replayed_order(agent: PPOAgent, count: int) -> list[Tensor]:
    """Draw the minibatches that the agent's next update will draw, without moving its generator."""
    generator = torch.Generator()
    generator.set_state(agent.generator.get_state())
    passes = [torch.randperm(count, generator=generator) for _ in range(agent.config.num_epochs)]
    return [rows for order in passes for rows in order.tensor_split(agent.config.num_minibatches)]


def update_both(agent: PPOAgent, reference: ReferencePPO, op: str, seed: int) -> tuple[Metrics, dict[str, float]]:
    rollout = small_rollout(agent, seed)
    views = BanditViews(make_arms(op, size=IMAGE), agent.image_shape, torch.Generator())
    views.load_state_dict(agent.views.state_dict())
    theirs = ReferenceRollout(
        as_seen(agent, rollout).contiguous(),
        rollout.action,
        rollout.reward.double().numpy(),
        rollout.next_value.double().numpy(),
        rollout.terminated.numpy(),
        rollout.truncated.numpy(),
        replayed_order(agent, rollout.reward.numel()),
        agent.config.num_minibatches,
    )
    losses = reference.update(theirs, lambda rows: views(rollout.obs.flatten(0, 1)[rows]).contiguous())
    return agent.update(rollout), losses


def test_every_loss_and_parameter_agrees_over_three_updates() -> None:
    updates_agree("clip", discrete=True)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "discrete"), [(case, kind) for case in CASES for kind in (True, False)][1:])
def test_so_they_do_with_other_options(case: str, discrete: bool) -> None:
    updates_agree(case, discrete)


def updates_agree(case: str, discrete: bool) -> None:
    options, renamed = CASES[case]
    agent = small_agent("crop", discrete=discrete, seed=3, **options)
    reference = ReferencePPO(learned(agent), discrete, ReferenceConfig(**renamed))
    for number in range(3):
        ours, theirs = update_both(agent, reference, "crop", seed=number)
        for name, loss in theirs.items():
            assert ours[name].item() == pytest.approx(loss, abs=TOLERANCE), f"update {number}: {name}"
        for name, value in learned(agent).items():
            apart = (value - reference.params[name].detach()).abs().max()
            assert apart <= TOLERANCE, f"update {number}: {name}"
    assert agent.kl_beta.item() == pytest.approx(reference.beta)


@pytest.mark.slow
def test_acting_computes_what_the_reference_does() -> None:
    agent = small_agent("crop", seed=3)
    reference, rollout = ReferencePPO(learned(agent), True, ReferenceConfig()), small_rollout(agent)
    with torch.no_grad():
        out, value = reference.forward(as_seen(agent, rollout).flatten(0, 1).contiguous())
    log_prob = reference.log_prob(out, rollout.action.flatten(0, 1))
    torch.testing.assert_close(rollout.value.flatten(), value, atol=1e-5, rtol=0)
    torch.testing.assert_close(rollout.log_prob.flatten(), log_prob, atol=1e-5, rtol=0)
    torch.testing.assert_close(rollout.policy.flatten(0, 1), out, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_parameters_move_more_than_the_tolerance() -> None:
    """Otherwise the comparison would pass whatever the updates do."""
    agent = small_agent("crop", discrete=False, seed=3)
    before = {name: value.clone() for name, value in learned(agent).items()}
    for number in range(3):
        agent.update(small_rollout(agent, number))
    for name, value in learned(agent).items():
        assert (value - before[name]).abs().max() > 5 * TOLERANCE, name
