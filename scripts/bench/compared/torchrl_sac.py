"""torchrl's SACLoss in RAD's update: the networks of the plain eager version, its replay and its crop.

The convolutions and the critic's projection stand outside the loss, which keeps each network it is given to itself and
computes all Q functions of an ensemble by `vmap`; so they are run once for both, and the actor sees the critic's
convolutions without a gradient, as in RAD.
"""

import copy
import importlib
from collections.abc import Callable
from typing import Any

import torch
from tensordict import TensorDict
from tensordict.nn import NormalParamExtractor, TensorDictModule
from torch import Tensor, nn
from torchrl.modules import ProbabilisticActor, TanhNormal, ValueOperator
from torchrl.objectives import SACLoss, SoftUpdate

from scripts.bench.compared.networks import projected

TAU, ENCODER_TAU = 0.01, 0.05


class Q(nn.Module):
    """A Q function of projected features and an action."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, features: Tensor, action: Tensor) -> Tensor:
        """Return values [B, 1]."""
        return self.layers(torch.cat([features, action], -1))


def update(
    replay: Any, crop_px: int, encoder: str, action_dim: int, hidden_dim: int, batch_size: int
) -> Callable[[], object]:
    """Return one update on batches of a filled `StackReplay` of the plain eager version."""
    eager: Any = importlib.import_module("tests.reference.sac_eager")
    shape = (9, crop_px, crop_px)
    online = projected(shape, encoder)
    target, own = copy.deepcopy(online), projected(shape, encoder)  # of the last, the actor's projection alone
    head = nn.Sequential(own.projection, own.norm, eager.mlp(50, hidden_dim, 2 * action_dim), NormalParamExtractor())
    actor = ProbabilisticActor(
        TensorDictModule(head, ["convolved"], ["loc", "scale"]),
        in_keys=["loc", "scale"],
        distribution_class=TanhNormal,
        return_log_prob=False,
    )
    critic = ValueOperator(Q(eager.mlp(50 + action_dim, hidden_dim, 1)), in_keys=["features", "action"])
    loss = SACLoss(actor, critic, loss_function="l2", alpha_init=0.1, target_entropy=-float(action_dim))
    loss.make_value_estimator(gamma=0.99)
    averages = SoftUpdate(loss, tau=TAU)
    of_critic = [*online.parameters(), *loss.qvalue_network_params.values(True, True)]
    critic_optimizer = torch.optim.Adam(of_critic, lr=1e-3)
    actor_optimizer = torch.optim.Adam(list(loss.actor_network_params.values(True, True)), lr=1e-3)
    alpha_optimizer = torch.optim.Adam([loss.log_alpha], lr=1e-4, betas=(0.5, 0.999))
    done = torch.zeros(batch_size, 1, dtype=torch.bool)
    updates = 0

    def step(optimizer: torch.optim.Optimizer, value: Tensor) -> None:
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    def one() -> None:
        nonlocal updates
        obs, action, reward, _, next_obs = replay.sample(batch_size, crop_px)
        convolved = online.convolve(obs)
        features = online.norm(online.projection(convolved))
        with torch.no_grad():
            following = {"convolved": online.convolve(next_obs), "features": target(next_obs)}
        now = {"convolved": convolved.detach(), "features": features, "action": action}
        following |= {"reward": reward[:, None], "done": done, "terminated": done}
        data = TensorDict({**now, "next": TensorDict(following, [batch_size])}, [batch_size])
        step(critic_optimizer, loss.qvalue_v2_loss(data)[0])
        if updates % 2 == 0:
            with torch.no_grad():
                data["features"] = online.norm(online.projection(online.convolve(obs)))
            actor_loss, told = loss.actor_loss(data)
            step(actor_optimizer, actor_loss)
            step(alpha_optimizer, loss.alpha_loss(told["log_prob"]).mean())
            averages.step()
            with torch.no_grad():
                for value, old in zip(online.parameters(), target.parameters()):
                    old.lerp_(value, ENCODER_TAU)
        updates += 1

    return one
