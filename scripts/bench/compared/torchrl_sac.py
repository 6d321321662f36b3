"""torchrl's SACLoss in RAD's update: the networks of the plain eager version, its replay and its crop.

The convolutions and the critic's projection stand outside the loss, which keeps each network it is given to itself and
computes all Q functions of an ensemble by `vmap`; so they are run once for both, and the actor sees the critic's
convolutions without a gradient, as in RAD.
"""

import copy
import importlib
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


class TorchRLSAC:
    """An agent whose `update` learns from batches of a filled `StackReplay` of the plain eager version."""

    def __init__(
        self, replay: Any, crop_px: int, encoder: str, action_dim: int, hidden_dim: int, batch_size: int
    ) -> None:
        self.replay, self.batch_size, self.crop_px, self.updates = replay, batch_size, crop_px, 0
        self.online = projected((9, crop_px, crop_px), encoder)
        self.target = copy.deepcopy(self.online)
        actor, critic = _heads(projected((9, crop_px, crop_px), encoder), action_dim, hidden_dim)
        self.loss = SACLoss(actor, critic, loss_function="l2", alpha_init=0.1, target_entropy=-float(action_dim))
        self.loss.make_value_estimator(gamma=0.99)
        self.averages = SoftUpdate(self.loss, tau=TAU)
        of_critic = [*self.online.parameters(), *self.loss.qvalue_network_params.values(True, True)]
        self.critic_optimizer = torch.optim.Adam(of_critic, lr=1e-3)
        self.actor_optimizer = torch.optim.Adam(list(self.loss.actor_network_params.values(True, True)), lr=1e-3)
        self.alpha_optimizer = torch.optim.Adam([self.loss.log_alpha], lr=1e-4, betas=(0.5, 0.999))

    def update(self) -> None:
        """Update critic and, every second time, actor, temperature and targets."""
        obs, action, reward, _, next_obs = self.replay.sample(self.batch_size, self.crop_px)
        data = self._data(obs, action, reward, next_obs)
        _step(self.critic_optimizer, self.loss.qvalue_v2_loss(data)[0])
        if self.updates % 2 == 0:
            with torch.no_grad():
                data["features"] = self.online(obs)
            actor_loss, told = self.loss.actor_loss(data)
            _step(self.actor_optimizer, actor_loss)
            _step(self.alpha_optimizer, self.loss.alpha_loss(told["log_prob"]).mean())
            self.averages.step()
            with torch.no_grad():
                for value, old in zip(self.online.parameters(), self.target.parameters()):
                    old.lerp_(value, ENCODER_TAU)
        self.updates += 1

    def _data(self, obs: Tensor, action: Tensor, reward: Tensor, next_obs: Tensor) -> TensorDict:
        """Return what the losses read: features for the critic, and convolutions without a gradient for the actor."""
        convolved = self.online.convolve(obs)
        with torch.no_grad():
            following = {"convolved": self.online.convolve(next_obs), "features": self.target(next_obs)}
        features = self.online.norm(self.online.projection(convolved))
        now = {"convolved": convolved.detach(), "features": features, "action": action}
        done = torch.zeros(len(obs), 1, dtype=torch.bool)
        following |= {"reward": reward[:, None], "done": done, "terminated": done}
        return TensorDict({**now, "next": TensorDict(following, [len(obs)])}, [len(obs)])


def _heads(projection: Any, action_dim: int, hidden_dim: int) -> tuple[ProbabilisticActor, ValueOperator]:
    """Return an actor on convolutions, with the projection of a module of its own, and a critic on features."""
    eager: Any = importlib.import_module("tests.reference.sac_eager")
    trunk = eager.mlp(50, hidden_dim, 2 * action_dim)
    layers = nn.Sequential(projection.projection, projection.norm, trunk, NormalParamExtractor())
    actor = ProbabilisticActor(
        TensorDictModule(layers, ["convolved"], ["loc", "scale"]),
        in_keys=["loc", "scale"],
        distribution_class=TanhNormal,
        return_log_prob=False,
    )
    return actor, ValueOperator(Q(eager.mlp(50 + action_dim, hidden_dim, 1)), in_keys=["features", "action"])


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
