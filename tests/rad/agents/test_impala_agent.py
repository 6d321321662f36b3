"""IMPALA's update against a slow one, what its options change, and that the learner sees what the actor saw."""

from typing import Any

import numpy as np
import pytest
import torch

from rad.agents import impala
from rad.agents.impala import IMPALAAgent, IMPALAConfig
from tests.rad.agents.small import flat
from tests.rad.agents.small_impala import ENVS, small_agent, small_trajectory
from tests.reference import impala as reference

OFF_POLICY = {"op": "crop+color_jitter", "seed": 3}


def behind(agent: IMPALAAgent, seed: int = 0) -> Any:
    """Return a trajectory of a policy that is an update behind, on which ratios differ from 1."""
    trajectory = small_trajectory(agent, seed)
    noise = torch.randn(trajectory.log_prob.shape, generator=torch.Generator().manual_seed(seed))
    return trajectory._replace(log_prob=trajectory.log_prob + 0.5 * noise)


def losses_of(agent: IMPALAAgent, trajectory: Any, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the losses that an update takes its step down."""
    seen: list[float] = []

    def noted(optimizer: Any, max_grad_norm: float, *losses: torch.Tensor) -> torch.Tensor:
        seen.extend(float(loss.detach()) for loss in losses)
        return torch.zeros(())

    monkeypatch.setattr(impala, "clipped_step", noted)
    agent.update(trajectory)
    return seen


@pytest.mark.parametrize("discrete", [True, False])
def test_the_losses_are_those_of_the_reference(monkeypatch: pytest.MonkeyPatch, discrete: bool) -> None:
    agent = small_agent(**OFF_POLICY, discrete=discrete, reward_clip=2.0, rho_clip=0.9, c_clip=0.8)
    trajectory = behind(agent)
    assert trajectory.truncated.any() and trajectory.terminated.any()
    steps, config = agent.config.num_steps, agent.config
    agent.views.env_params = trajectory.view_params
    with torch.no_grad():  # one image after the other
        rows = [
            agent.head(agent.encoder(agent.views.apply_params(obs[None], env[None])))
            for obs, env in zip(trajectory.obs, trajectory.env)
        ]
    values = np.array([float(value) for _, value in rows]).astype(np.float64)
    value, next_value = (values[at : at + steps * ENVS].reshape(steps, ENVS) for at in (0, ENVS))
    finals = iter(values[(steps + 1) * ENVS :])
    next_value = next_value.copy()
    for t in range(steps):
        for n in range(ENVS):
            if trajectory.truncated[t, n]:
                next_value[t, n] = next(finals)
    actions = trajectory.action.flatten(0, 1)
    log_prob = np.array([float(rows[i][0].log_prob(actions[i : i + 1])) for i in range(steps * ENVS)])
    log_prob = log_prob.reshape(steps, ENVS)
    target, advantage = reference.vtrace(
        log_prob - trajectory.log_prob.numpy(),
        np.clip(trajectory.reward.numpy(), -2.0, 2.0),
        value,
        next_value,
        trajectory.terminated.numpy(),
        trajectory.truncated.numpy(),
        gamma=config.gamma,
        rho_clip=0.9,
        c_clip=0.8,
    )
    entropy = np.mean([float(policy.entropy()) for policy, _ in rows[: steps * ENVS]])
    expected = [
        -(log_prob * advantage).mean(),
        config.vf_coef * ((target - value) ** 2).mean() / 2,
        -config.ent_coef * entropy,
    ]
    np.testing.assert_allclose(losses_of(agent, trajectory, monkeypatch), expected, rtol=1e-4, atol=1e-6)


def test_the_learner_sees_what_the_actor_saw() -> None:
    agent = small_agent(op="crop+color_jitter")
    trajectory = small_trajectory(agent)
    agent.begin_rollout(ENVS)  # another draw meanwhile
    metrics = agent.update(trajectory)
    assert float(metrics["kl"]) == pytest.approx(0.0, abs=1e-5) and float(metrics["rho"]) == pytest.approx(1, abs=1e-5)
    other = small_agent(op="crop+color_jitter")
    moved = small_trajectory(other)
    other.begin_rollout(ENVS)
    moved = moved._replace(view_params=other.views.env_params)
    assert abs(float(other.update(moved)["kl"])) > 1e-4


def test_targets_receive_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = small_agent()
    gradients: list[Any] = []

    def noted(optimizer: Any, max_grad_norm: float, *losses: torch.Tensor) -> torch.Tensor:
        bias = agent.head.value.bias
        gradients.extend(torch.autograd.grad(loss, bias, retain_graph=True, allow_unused=True)[0] for loss in losses)
        return torch.zeros(())

    monkeypatch.setattr(impala, "clipped_step", noted)
    metrics = agent.update(behind(agent))
    of_policy, of_value, of_entropy = gradients
    assert of_policy is None and of_entropy is None
    # d/db of c mean((V + b - v)^2) / 2 is c mean(V - v), and less if v moved with V; v is V plus what the policy lacks
    trajectory_error = float(of_value) / agent.config.vf_coef
    assert trajectory_error == pytest.approx(float(metrics["value"] - metrics["target"]), rel=1e-4)


VALUES: dict[str, Any] = {
    "num_steps": 4,
    "gamma": 0.5,
    "rho_clip": 0.5,
    "c_clip": 0.5,
    "reward_clip": 0.0,
    "optimizer": "adam",
    "optimizer_eps": 1e-2,
    "lr": 1e-3,
    "anneal_lr": False,
    "ent_coef": 0.5,
    "vf_coef": 1.0,
    "max_grad_norm": 40.0,
    "hidden_dim": 9,
}


@pytest.mark.parametrize("name", VALUES)
def test_every_hyperparameter_bites(name: str) -> None:
    outcomes = []
    for config in ({}, {name: VALUES[name]}):
        agent = small_agent(**config)
        for seed in range(2):
            agent.update(behind(agent, seed))
        outcomes.append(flat(agent.encoder))
    assert not torch.equal(*outcomes)


def test_every_hyperparameter_is_listed() -> None:
    assert VALUES.keys() == vars(IMPALAConfig()).keys()


def test_the_learning_rate_falls_to_0_and_stays_there() -> None:
    agent = small_agent(total_updates=2)
    for expected in (6e-4, 3e-4, 0.0, 0.0):
        agent.update(small_trajectory(agent))
        assert agent.optimizer.param_groups[0]["lr"] == pytest.approx(expected)


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^augmentation must be a single one, got flip, grayscale$"):
        small_agent("ucb:flip,grayscale")
    with pytest.raises(ValueError, match=r"^total_updates must be at least 1 for anneal_lr, got 0$"):
        small_agent(total_updates=0)
    with pytest.raises(ValueError, match="rmsprop or adam"):
        small_agent(optimizer="sgd")
