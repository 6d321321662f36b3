"""torchrl's ClipPPOLoss and GAE in the loop of the plain eager version, with its network.

What differs, as in torchrl's own examples: policy and value run the shared convolutions once each, and GAE computes the
values of a rollout anew.
"""

import importlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torch import Tensor, nn
from torchrl.modules import ActorValueOperator, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE


class Scaled(nn.Module):
    """Layers on images that come as floats in [0, 255]."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, images: Tensor) -> Tensor:
        """Return features [B, 256]."""
        shape = images.shape[:-3]  # GAE gives rollouts [N, T, C, H, W]
        return self.layers(images.flatten(0, -4) / 255).unflatten(0, shape)


def rollouts(job: Any, env: Any) -> Iterator[dict[str, float]]:
    """Collect and learn; yield seconds of simulation, inference, update and of all, by rollout."""
    eager: Any = importlib.import_module("tests.reference.ppo_eager")
    network = eager.Network(int(env.single_action_space.n), env.single_observation_space.shape[0])
    actor, critic = _operators(network)
    advantage = GAE(gamma=eager.GAMMA, lmbda=eager.LAMBDA, value_network=critic)
    weights = {"entropy_coeff": eager.ENTROPY, "critic_coeff": eager.VALUE}
    clipping = {"clip_epsilon": eager.CLIP, "clip_value": True, "loss_critic_type": "l2", "normalize_advantage": True}
    loss = ClipPPOLoss(actor, critic, **clipping, **weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4, eps=1e-5)
    obs = torch.from_numpy(env.reset()[0]).float()
    while True:
        spent = dict.fromkeys(("simulation", "inference", "update"), 0.0)
        start = time.perf_counter()
        data, obs = _collect(env, actor, obs, job.num_steps, spent)
        collected = time.perf_counter()
        with torch.no_grad():
            advantage(data)
        for _ in range(job.num_epochs):
            for rows in torch.randperm(data.numel()).chunk(job.num_minibatches):
                _learn(loss, optimizer, data.flatten(0, 1)[rows], eager.MAX_NORM)
        spent["update"] = time.perf_counter() - collected
        yield spent | {"whole": time.perf_counter() - start}


def _operators(network: Any) -> tuple[Any, Any]:
    """Return policy and value, each from the observation on."""
    policy = ProbabilisticActor(
        TensorDictModule(network.policy, ["hidden"], ["logits"]),
        in_keys=["logits"],
        distribution_class=torch.distributions.Categorical,
        return_log_prob=True,
    )
    body = TensorDictModule(Scaled(network.layers), ["observation"], ["hidden"])
    model = ActorValueOperator(body, policy, ValueOperator(network.value, in_keys=["hidden"]))
    return model.get_policy_operator(), model.get_value_operator()


def _collect(env: Any, actor: Any, obs: Tensor, steps: int, spent: dict[str, float]) -> tuple[TensorDict, Tensor]:
    rows = []
    for _ in range(steps):
        start = time.perf_counter()
        with torch.no_grad():
            row = actor(TensorDict({"observation": obs}, [env.num_envs]))
        decided = time.perf_counter()
        next_obs, reward, terminated, truncated, _ = env.step(row["action"].numpy())
        obs = torch.from_numpy(next_obs).float()
        spent["inference"] += decided - start
        spent["simulation"] += time.perf_counter() - decided
        ends = {"terminated": _column(terminated), "done": _column(terminated | truncated)}
        row["next"] = TensorDict({"observation": obs, "reward": _column(reward).float(), **ends}, [env.num_envs])
        rows.append(row)
    data: Any = torch.stack(rows, 1)  # [N, T]
    data.refine_names(..., "time")
    return data, obs


def _column(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values))[:, None]


def _learn(loss: Any, optimizer: torch.optim.Optimizer, rows: TensorDict, max_norm: float) -> None:
    losses = loss(rows)
    optimizer.zero_grad()
    (losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]).backward()
    nn.utils.clip_grad_norm_(loss.parameters(), max_norm)
    optimizer.step()
