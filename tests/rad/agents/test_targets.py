"""Targets: the numbers that agents give, by hand from their heads, and what each agent does not have."""

import pytest
import torch
from torch import Tensor

from rad.agents.ppo import PPOAgent
from rad.agents.sac import SACAgent
from tests.rad.agents import small, small_ppo

SAC = small.small_agent()
DISCRETE, CONTINUOUS = small_ppo.small_agent(discrete=True), small_ppo.small_agent(discrete=False)


def features(agent: SACAgent | PPOAgent) -> Tensor:
    return torch.randn(5, agent.encoder.feature_dim, generator=torch.Generator().manual_seed(0))


class TestSAC:
    def test_policy(self) -> None:
        target, given = SAC.target("policy"), features(SAC)
        mean = SAC.actor(given).mean
        torch.testing.assert_close(target.output(given), (mean**2).sum(1) / 2)
        torch.testing.assert_close(target.vector(given), mean.tanh())
        assert target.logits is None
        # a 3-4-5 triangle
        assert target.distance(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).tolist() == [5.0]

    def test_value_and_q_are_one_number_with_other_gradients(self) -> None:
        given, gradients = features(SAC), []
        for name in ("value", "q"):
            moved = given.clone().requires_grad_(True)
            output = SAC.target(name).output(moved)
            expected = torch.minimum(*SAC.critic(given, SAC.actor(given).mode))
            torch.testing.assert_close(output, expected)
            torch.testing.assert_close(SAC.target(name).vector(given), expected[:, None])
            gradients.append(torch.autograd.grad(output.sum(), moved)[0])
        held = given.clone().requires_grad_(True)
        by_hand = torch.minimum(*SAC.critic(held, SAC.actor(given).mode.detach())).sum()
        torch.testing.assert_close(gradients[1], torch.autograd.grad(by_hand, held)[0])
        assert not torch.allclose(gradients[0], gradients[1])


class TestPPO:
    def test_policy_of_discrete_actions(self) -> None:
        target, given = DISCRETE.target("policy"), features(DISCRETE)
        probabilities = DISCRETE.head(given)[0].params.softmax(1)
        torch.testing.assert_close(target.output(given), probabilities.max(1).values.log())
        torch.testing.assert_close(target.vector(given), probabilities.log())
        before, after = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
        # 0.5 ln(0.5 / 0.25) + 0.5 ln(0.5 / 0.75) = 0.346574 - 0.202733
        assert float(target.distance(before, after)) == pytest.approx(0.143841, abs=1e-5)

    def test_policy_of_continuous_actions(self) -> None:
        target, given = CONTINUOUS.target("policy"), features(CONTINUOUS)
        mode = CONTINUOUS.head(given)[0].mode
        torch.testing.assert_close(target.vector(given), mode)
        torch.testing.assert_close(target.output(given), (mode**2).sum(1) / 2)
        assert target.logits is None

    @pytest.mark.parametrize("agent", [DISCRETE, CONTINUOUS])
    def test_value(self, agent: PPOAgent) -> None:
        given = features(agent)
        torch.testing.assert_close(agent.target("value").output(given), agent.head(given)[1])

    def test_one_logit(self) -> None:
        target, given = DISCRETE.target("logit:2"), features(DISCRETE)
        logits = DISCRETE.head(given)[0].params
        torch.testing.assert_close(target.output(given), logits[:, 2])
        assert target.logits is not None
        torch.testing.assert_close(target.logits(given), logits)


@pytest.mark.parametrize(
    ("agent", "name", "said"),
    [
        (SAC, "logit:0", "; known: policy, value, q"),
        (SAC, "speed", "unknown target 'speed'"),
        (DISCRETE, "q", "; known: policy, value, logit:0, logit:1, logit:2$"),
        (DISCRETE, "logit:3", "unknown target 'logit:3'"),
        (DISCRETE, "logit:-1", "unknown target"),
        (CONTINUOUS, "logit:0", "; known: policy, value$"),
    ],
)
def test_targets_that_an_agent_does_not_have(agent: SACAgent | PPOAgent, name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        agent.target(name)
