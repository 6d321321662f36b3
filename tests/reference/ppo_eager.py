"""PPO on Procgen as one would first write it in plain eager PyTorch: the baseline of `rad bench ppo`.

Nothing is tuned: float32, NCHW, observations kept as floats on arrival, modules, Adam and clipping as they come. The
algorithm and its settings are those of `tests/reference/ppo.py`, with the IMPALA network.

Source: the published structure of train-procgen and CleanRL's script for Procgen, written anew.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical

GAMMA, LAMBDA, CLIP, ENTROPY, VALUE, MAX_NORM = 0.999, 0.95, 0.2, 0.01, 0.5, 0.5


class Block(nn.Module):
    """A residual block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(F.relu(x))))


def sections(channels: int) -> nn.Sequential:
    """Make IMPALA's convolutions, to be followed by a ReLU."""
    layers: list[nn.Module] = []
    for width in (16, 32, 32):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.MaxPool2d(3, 2, 1), Block(width), Block(width)]
        channels = width
    return nn.Sequential(*layers)


class Network(nn.Module):
    """IMPALA's network on images of `channels` and 64 pixels, with a policy over `actions` and a value."""

    def __init__(self, actions: int, channels: int) -> None:
        super().__init__()
        body = [sections(channels), nn.ReLU(), nn.Flatten(), nn.Linear(2048, 256), nn.ReLU()]
        self.layers = nn.Sequential(*body)
        self.policy, self.value = nn.Linear(256, actions), nn.Linear(256, 1)

    def forward(self, obs: Tensor) -> tuple[Categorical, Tensor]:
        features = self.layers(obs / 255)
        return Categorical(logits=self.policy(features)), self.value(features)[:, 0]


def run(env: Any, steps: int, minibatches: int, epochs: int) -> Iterator[dict[str, float]]:
    """Collect rollouts and learn from each; yield seconds spent in simulation, inference, update and all in all.

    Args:
        env: vector environment of images uint8 [N, C, 64, 64] with discrete actions.
        steps: of each environment per rollout.
        minibatches: per epoch.
        epochs: per rollout.
    """
    network = Network(int(env.single_action_space.n), env.single_observation_space.shape[0])
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4, eps=1e-5)
    obs = torch.from_numpy(env.reset()[0]).float()
    while True:
        spent = {"simulation": 0.0, "inference": 0.0, "update": 0.0}
        start = time.perf_counter()
        obs = _rollout(env, network, optimizer, obs, steps, minibatches, epochs, spent)
        yield spent | {"whole": time.perf_counter() - start}


def _rollout(
    env: Any,
    network: Network,
    optimizer: torch.optim.Optimizer,
    obs: Tensor,
    steps: int,
    minibatches: int,
    epochs: int,
    spent: dict[str, float],
) -> Tensor:
    rows = []
    for _ in range(steps):
        start = time.perf_counter()
        with torch.no_grad():
            policy, value = network(obs)
            action = policy.sample()
            log_prob = policy.log_prob(action)
        decided = time.perf_counter()
        next_obs, reward, terminated, _, _ = env.step(action.numpy())
        next_obs = torch.from_numpy(next_obs).float()
        spent["inference"] += decided - start
        spent["simulation"] += time.perf_counter() - decided
        rows.append((obs, action, log_prob, value, torch.from_numpy(reward).float(), torch.from_numpy(terminated)))
        obs = next_obs
    start = time.perf_counter()
    _learn(network, optimizer, rows, obs, minibatches, epochs)
    spent["update"] += time.perf_counter() - start
    return obs


def _learn(
    network: Network,
    optimizer: torch.optim.Optimizer,
    rows: list[tuple[Tensor, ...]],
    obs: Tensor,
    minibatches: int,
    epochs: int,
) -> None:
    images, action, log_prob, value, reward, ended = (torch.stack(column) for column in zip(*rows))
    with torch.no_grad():
        next_value = network(obs)[1]
    reward = (reward / (reward.std() + 1e-8)).clamp(-10, 10)
    advantage, running = torch.zeros_like(reward), torch.zeros_like(next_value)
    for step in reversed(range(len(reward))):
        alive = 1.0 - ended[step].float()
        delta = reward[step] + GAMMA * alive * next_value - value[step]
        running = delta + GAMMA * LAMBDA * alive * running
        advantage[step], next_value = running, value[step]
    returns = advantage + value
    flat = [tensor.flatten(0, 1) for tensor in (images, action, log_prob, value, advantage, returns)]
    for _ in range(epochs):
        for rows in np.array_split(torch.randperm(len(flat[0])).numpy(), minibatches):
            _step(network, optimizer, *(tensor[rows] for tensor in flat))


def _step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    action: Tensor,
    old_log_prob: Tensor,
    old_value: Tensor,
    advantage: Tensor,
    returns: Tensor,
) -> None:
    policy, value = network(images)
    ratio = (policy.log_prob(action) - old_log_prob).exp()
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    policy_loss = torch.max(-advantage * ratio, -advantage * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
    clipped = old_value + (value - old_value).clamp(-CLIP, CLIP)
    value_loss = 0.5 * torch.max((value - returns) ** 2, (clipped - returns) ** 2).mean()
    loss = policy_loss + VALUE * value_loss - ENTROPY * policy.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), MAX_NORM)
    optimizer.step()
