"""PPO solves every probe, and the color probe shows that the augmentation is in the path."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from rad import envs
from rad.agents.bandit import make_arms
from rad.agents.ppo import PPOAgent, PPOConfig
from rad.buffers.rollout import RolloutBuffer
from rad.envs.probe import PROBES
from rad.evaluation.play import evaluate
from rad.loops import LoopState
from rad.loops.on_policy import on_policy
from tests.rad.envs.probe_returns import returns_of, values

SIZE, ENVS, UPDATES = 16, 16, 40
# Values are compared with the probes' own, so rewards are taken as they are.
LEARNING = {
    "num_steps": 16,
    "num_minibatches": 4,
    "num_epochs": 4,
    "gamma": 0.99,
    "lr": 2e-3,
    "hidden_dim": 32,
    "normalize_reward": False,
    "clip_value": False,
}


def train(name: str, spec: str = "none", **config: Any) -> PPOAgent:
    env = envs.make(f"probe/{name}", num_envs=ENVS, seed=1, image_size=SIZE, frame_stack=1, groups=2)
    discrete = PROBES[name].discrete
    agent = PPOAgent(
        (3, SIZE, SIZE),
        2 if discrete else 1,
        PPOConfig(**LEARNING | config),
        make_arms(spec, size=SIZE),
        discrete=discrete,
        encoder="pixel:num_layers=2:num_filters=8",
        seed=1,
    )
    buffer = RolloutBuffer(agent.config.num_steps, ENVS, agent.image_shape)
    for _ in itertools.islice(on_policy(env, agent, buffer, LoopState()), UPDATES * agent.config.num_steps):
        pass
    return agent


def final_return(agent: PPOAgent, name: str) -> float:
    env = envs.make(f"probe/{name}", num_envs=10, seed=100, image_size=SIZE, frame_stack=1)
    return float(evaluate(env, lambda obs: agent.act(obs, deterministic=True), 4).returns.mean())


@pytest.mark.parametrize("objective", ["clip", "kl"])
@pytest.mark.parametrize("name", ["action", "both", "action-discrete", "both-discrete"])
def test_the_policy_reaches_the_optimum(name: str, objective: str) -> None:
    agent = train(name, objective=objective)
    assert final_return(agent, name) > returns_of(name).optimal - 0.1


@pytest.mark.parametrize("kind", ["", "-discrete"])
@pytest.mark.parametrize("name", ["value", "observation", "discounting"])
def test_the_critic_learns_the_values(name: str, kind: str) -> None:
    agent = train(f"{name}{kind}")
    for case, value in zip(PROBES[f"{name}{kind}"].cases, values(f"{name}{kind}", agent.config.gamma)):
        frame = np.tile(np.array(case.colors[0], np.uint8)[:, None, None], (1, 1, SIZE, SIZE))
        with torch.no_grad():
            _, found = agent._forward(agent.views.eval_view(torch.from_numpy(frame)))
        assert found.item() == pytest.approx(value, abs=0.15)


@pytest.mark.parametrize("name", ["color", "color-discrete"])
def test_color_is_learnable_with_flip_and_not_with_grayscale(name: str) -> None:
    returns = returns_of(name)
    assert final_return(train(name, "flip:p=0.5"), name) > returns.optimal - 0.1
    assert final_return(train(name, "grayscale:p=1"), name) < returns.blind + 0.3


def test_color_is_learnable_where_a_consistency_loss_alone_sees_gray() -> None:
    agent = train("color-discrete", "grayscale:p=1", augment_where="consistency")
    assert final_return(agent, "color-discrete") > returns_of("color-discrete").optimal - 0.1


def test_all_probes_are_covered() -> None:
    tested = {"action", "both", "value", "observation", "discounting", "color"}
    assert set(PROBES) == tested | {f"{name}-discrete" for name in tested}
