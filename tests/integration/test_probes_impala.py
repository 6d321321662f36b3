"""IMPALA solves every discrete probe, and one with a continuous action, with its actor in this process."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from rad import envs
from rad.actors.actor import Actor
from rad.actors.loop import DecoupledState, InProcess, decoupled
from rad.agents.bandit import make_arms
from rad.agents.impala import IMPALAAgent, IMPALAConfig
from rad.envs.probe import PROBES
from rad.evaluation.play import evaluate
from tests.rad.envs.probe_returns import returns_of, values

SIZE, ENVS, UPDATES = 16, 16, 250
# Values are compared with the probes' own, so rewards are taken as they are.
LEARNING = {
    "num_steps": 8,
    "optimizer": "adam",
    "lr": 3e-3,
    "anneal_lr": False,
    "max_grad_norm": 0.5,
    "hidden_dim": 32,
    "reward_clip": 0.0,
}


def train(name: str, spec: str = "none", updates: int = UPDATES, **config: Any) -> IMPALAAgent:
    env = envs.make(f"probe/{name}", num_envs=ENVS, seed=1, image_size=SIZE, frame_stack=1)
    discrete = PROBES[name].discrete
    agent = IMPALAAgent(
        (3, SIZE, SIZE),
        2 if discrete else 1,
        IMPALAConfig(**LEARNING | config),
        make_arms(spec, size=SIZE),
        discrete=discrete,
        encoder="pixel:num_layers=2:num_filters=8",
        seed=1,
    )
    source = InProcess(Actor(env, agent, agent.config.num_steps))
    for _ in itertools.islice(decoupled(source, agent, DecoupledState()), updates):
        pass
    return agent


def final_return(agent: IMPALAAgent, name: str) -> float:
    env = envs.make(f"probe/{name}", num_envs=10, seed=100, image_size=SIZE, frame_stack=1)
    return float(evaluate(env, lambda obs: agent.act(obs, deterministic=True), 4).returns.mean())


@pytest.mark.parametrize(
    ("name", "updates"), [("action", 500), ("action-discrete", UPDATES), ("both-discrete", UPDATES)]
)
def test_the_policy_reaches_the_optimum(name: str, updates: int) -> None:
    assert final_return(train(name, updates=updates), name) > returns_of(name).optimal - 0.1


@pytest.mark.parametrize("name", ["value-discrete", "observation-discrete", "discounting-discrete"])
def test_the_critic_learns_the_values(name: str) -> None:
    agent = train(name)
    for case, value in zip(PROBES[name].cases, values(name, agent.config.gamma)):
        frame = np.tile(np.array(case.colors[0], np.uint8)[:, None, None], (1, 1, SIZE, SIZE))
        with torch.no_grad():
            _, learned = agent._forward(agent.views.eval_view(torch.from_numpy(frame)))
        assert learned.item() == pytest.approx(value, abs=0.15)


def test_color_is_learnable_with_flip_and_not_with_grayscale() -> None:
    name = "color-discrete"
    returns = returns_of(name)
    assert final_return(train(name, "flip:p=0.5"), name) > returns.optimal - 0.1
    assert final_return(train(name, "grayscale:p=1"), name) < returns.blind + 0.3


def test_rmsprop_with_the_papers_numbers_solves_a_probe() -> None:
    papers = {name: getattr(IMPALAConfig, name) for name in ("optimizer", "lr", "max_grad_norm")}
    assert final_return(train("both-discrete", **papers), "both-discrete") > returns_of("both-discrete").optimal - 0.1
