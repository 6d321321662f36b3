"""One whole RAD-SAC update, slow and plain: what the fast agent is compared with.

Float32, contiguous images and weights, every forward pass on its own, Adam written out, parameters in flat
dicts. It shares no code with `rad`, `encoders` or `augment`. Shapes: images [B, C, H, W] float in [0, 1],
already augmented; action and noise [B, A]; reward and discount [B].

Names of the parameters: `conv.{i}.weight`, `conv.{i}.bias` of the shared convolutions; for the actor and the
critic each `projection.linear.*`, `projection.norm.*`; then for the actor `mlp.{0,1,2}.*`, for the critic
`q1.{0,1,2}.*` and `q2.{0,1,2}.*`. Features are flattened channel by channel.

Source: Laskin et al. 2020 (RAD) and its published settings; Haarnoja et al. 2018, eqs. 5-9 and 18; Kingma and
Ba 2015, algorithm 1. Deliberately as published: log(relu(1 - tanh^2) + 1e-6) in the log-density.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Params = dict[str, Tensor]


@dataclass(frozen=True)
class ReferenceConfig:
    """Settings of RAD on DeepMind Control."""

    critic_lr: float = 1e-3
    actor_lr: float = 1e-3
    alpha_lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    alpha_betas: tuple[float, float] = (0.5, 0.999)
    init_temperature: float = 0.1
    log_std_min: float = -10.0
    log_std_max: float = 2.0
    critic_tau: float = 0.01
    encoder_tau: float = 0.05
    actor_update_freq: int = 2
    target_update_freq: int = 2
    actor_features: str = "after"
    """Convolution features that the actor's update reads: "before" or "after" the critic's step of the same
    update. RAD's are computed after it."""
    target_encoder: bool = True
    """Whether the target Q functions see next_obs through averaged convolutions, or through the learned ones."""
    strides: tuple[int, ...] = (2, 1, 1, 1)
    """Of the convolutions."""


class Adam:
    """Adam with bias correction, one parameter after the other.

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  p <- p - lr * m_hat / (sqrt(v_hat) + 1e-8).
    """

    def __init__(self, params: Params, lr: float, betas: tuple[float, float]) -> None:
        self.params, self.lr, self.betas, self.steps = params, lr, betas, 0
        self.m = {name: torch.zeros_like(value) for name, value in params.items()}
        self.v = {name: torch.zeros_like(value) for name, value in params.items()}

    def step(self, gradients: Params) -> None:
        self.steps += 1
        beta1, beta2 = self.betas
        for name, gradient in gradients.items():
            self.m[name] = beta1 * self.m[name] + (1 - beta1) * gradient
            self.v[name] = beta2 * self.v[name] + (1 - beta2) * gradient * gradient
            m_hat = self.m[name] / (1 - beta1**self.steps)
            v_hat = self.v[name] / (1 - beta2**self.steps)
            new = self.params[name].detach() - self.lr * m_hat / (v_hat.sqrt() + 1e-8)
            self.params[name] = new.requires_grad_(True)


class ReferenceSAC:
    """RAD-SAC's learned values and its update.

    Args:
        conv, actor, critic: parameters under the names above; copied. The targets start as copies.
        config: settings.
    """

    def __init__(
        self, conv: Mapping[str, Tensor], actor: Mapping[str, Tensor], critic: Mapping[str, Tensor],
        config: ReferenceConfig,
    ) -> None:  # fmt: skip
        self.config = config
        self.conv, self.actor, self.critic = _leaves(conv), _leaves(actor), _leaves(critic)
        self.conv_target, self.critic_target = _copy(conv), _copy(critic)
        self.temperature = _leaves({"log_alpha": torch.tensor(math.log(config.init_temperature))})
        # RAD has one optimizer over critic and convolutions; Adam works on each number alone, so two are the same.
        self.conv_adam = Adam(self.conv, config.critic_lr, config.betas)
        self.critic_adam = Adam(self.critic, config.critic_lr, config.betas)
        self.actor_adam = Adam(self.actor, config.actor_lr, config.betas)
        self.alpha_adam = Adam(self.temperature, config.alpha_lr, config.alpha_betas)
        self.updates = 0

    @property
    def alpha(self) -> Tensor:
        return self.temperature["log_alpha"].exp()

    def update(
        self, obs: Tensor, action: Tensor, reward: Tensor, discount: Tensor, next_obs: Tensor,
        noise_next: Tensor, noise_actor: Tensor,
    ) -> dict[str, float]:  # fmt: skip
        """Update everything once; return the losses, each as it was before its own step."""
        features_before = self.convolve(self.conv, obs).detach()
        target = self.target(reward, discount, next_obs, noise_next)
        losses = {"critic_loss": self.update_critic(obs, action, target)}
        if self.updates % self.config.actor_update_freq == 0:
            features_after = self.convolve(self.conv, obs).detach()
            before = self.config.actor_features == "before"
            losses |= self.update_actor_and_temperature(features_before if before else features_after, noise_actor)
        if self.updates % self.config.target_update_freq == 0:
            self.update_targets()
        self.updates += 1
        return losses

    def target(self, reward: Tensor, discount: Tensor, next_obs: Tensor, noise: Tensor) -> Tensor:
        """y = r + discount * (min(Q1', Q2')(s', a') - alpha log pi(a'|s')), a' from the current policy."""
        next_action, next_log_prob = self.policy(self.convolve(self.conv, next_obs), noise)
        conv = self.conv_target if self.config.target_encoder else self.conv
        next_q1, next_q2 = q_values(self.critic_target, self.convolve(conv, next_obs), next_action)
        soft_value = torch.min(next_q1, next_q2) - self.alpha * next_log_prob
        return (reward + discount * soft_value).detach()

    def update_critic(self, obs: Tensor, action: Tensor, target: Tensor) -> float:
        q1, q2 = q_values(self.critic, self.convolve(self.conv, obs), action)
        loss = ((q1 - target) ** 2).mean() + ((q2 - target) ** 2).mean()
        conv_gradients, critic_gradients = gradients(loss, self.conv), gradients(loss, self.critic)
        self.conv_adam.step(conv_gradients)
        self.critic_adam.step(critic_gradients)
        return loss.item()

    def update_actor_and_temperature(self, features: Tensor, noise: Tensor) -> dict[str, float]:
        """Step the actor, then the temperature with the log-density that the actor's loss had."""
        action, log_prob = self.policy(features, noise)
        q1, q2 = q_values(self.critic, features, action)
        actor_loss = (self.alpha.detach() * log_prob - torch.min(q1, q2)).mean()
        target_entropy = -float(noise.shape[1])
        alpha_loss = (self.alpha * (-log_prob - target_entropy).detach()).mean()
        actor_gradients, alpha_gradients = gradients(actor_loss, self.actor), gradients(alpha_loss, self.temperature)
        self.actor_adam.step(actor_gradients)
        self.alpha_adam.step(alpha_gradients)
        return {"actor_loss": actor_loss.item(), "temperature_loss": alpha_loss.item()}

    def update_targets(self) -> None:
        """theta' <- tau theta + (1 - tau) theta': the Q heads with one tau, all that sees pixels with another."""
        for name, value in self.conv.items():
            self.conv_target[name] = _mix(value, self.conv_target[name], self.config.encoder_tau)
        for name, value in self.critic.items():
            tau = self.config.encoder_tau if name.startswith("projection") else self.config.critic_tau
            self.critic_target[name] = _mix(value, self.critic_target[name], tau)

    def convolve(self, params: Params, images: Tensor) -> Tensor:
        return convolve(params, images, self.config.strides)

    def policy(self, features: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Draw the action of `noise` and its log-density [B]."""
        out = mlp(self.actor, "mlp", project(self.actor, features))
        mean, raw = out[:, : noise.shape[1]], out[:, noise.shape[1] :]
        low, high = self.config.log_std_min, self.config.log_std_max
        log_std = low + 0.5 * (high - low) * (torch.tanh(raw) + 1)
        action = torch.tanh(mean + log_std.exp() * noise)
        log_normal = -0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi)
        log_jacobian = torch.log(torch.relu(1 - action**2) + 1e-6)
        return action, (log_normal - log_jacobian).sum(1)


def convolve(params: Params, images: Tensor, strides: tuple[int, ...] = (2, 1, 1, 1)) -> Tensor:
    """Convolve 3x3, each with ReLU; flatten channel by channel, [B, F]."""
    for layer, stride in zip(range(len(params) // 2), strides):
        images = F.conv2d(images, params[f"conv.{layer}.weight"], params[f"conv.{layer}.bias"], stride=stride)
        images = torch.relu(images)
    return images.reshape(len(images), -1)


def project(params: Params, features: Tensor) -> Tensor:
    """Linear, then LayerNorm by hand."""
    x = features @ params["projection.linear.weight"].T + params["projection.linear.bias"]
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    normal = (x - mean) / (variance + 1e-5).sqrt()
    return normal * params["projection.norm.weight"] + params["projection.norm.bias"]


def mlp(params: Params, prefix: str, x: Tensor) -> Tensor:
    """Two hidden ReLU layers and a linear one."""
    for layer in range(3):
        x = x @ params[f"{prefix}.{layer}.weight"].T + params[f"{prefix}.{layer}.bias"]
        x = torch.relu(x) if layer < 2 else x
    return x


def q_values(params: Params, features: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
    """Both Q functions [B] on the critic's projection of the features."""
    x = torch.cat([project(params, features), action], dim=1)
    return mlp(params, "q1", x)[:, 0], mlp(params, "q2", x)[:, 0]


def gradients(loss: Tensor, params: Params) -> Params:
    """Differentiate `loss` by each parameter."""
    grads = torch.autograd.grad(loss, list(params.values()), retain_graph=True)
    return dict(zip(params, grads, strict=True))


def _leaves(values: Mapping[str, Tensor]) -> Params:
    return {name: value.requires_grad_(True) for name, value in _copy(values).items()}


def _copy(values: Mapping[str, Tensor]) -> Params:
    return {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in values.items()}


def _mix(new: Tensor, old: Tensor, tau: float) -> Tensor:
    return (tau * new + (1 - tau) * old).detach()
