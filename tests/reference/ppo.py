"""One whole PPO update, slow and plain: what the fast agent is compared with.

Float32, contiguous, Adam and the clipping of gradients written out, parameters in one flat dict. It shares no code
with `rad`, `encoders` or `augment`. Shapes: images [T, N, C, H, W] float in [0, 1], as the policy saw them;
everything else of the rollout [T, N] or [T, N, A].

Names of the parameters: `conv.{i}.weight`, `conv.{i}.bias`, then `trunk.*`, `policy.*`, `value.*` and, for
continuous actions, `log_std`. Features are flattened channel by channel.

Source: Schulman et al. 2017 (arXiv 1707.06347); OpenAI baselines (ppo2) for value clipping, normalizations and
the clipping of gradients; Raileanu et al. 2021 (arXiv 2006.12862) for the consistency loss.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tests.reference import ppo_losses
from tests.reference.sac import Params, convolve, gradients


@dataclass(frozen=True)
class ReferenceConfig:
    """Settings of PPO on Procgen."""

    gamma: float = 0.999
    gae_lambda: float = 0.95
    lr: float = 5e-4
    adam_eps: float = 1e-5
    clip: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    reward_clip: float = 10.0
    consistency_coef: float = 0.1
    target_kl: float = 0.01
    kl: bool = False
    """Penalise the divergence instead of clipping the ratio."""
    consistency: bool = False


@dataclass
class ReferenceRollout:
    """What was seen and done; `order` has the rows t * N + n of each minibatch, epoch after epoch."""

    images: Tensor
    action: Tensor
    reward: np.ndarray
    next_value: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    order: Sequence[Tensor]
    last_epoch: int
    """Number of minibatches in an epoch."""


class ReferencePPO:
    """PPO's learned values and its update.

    Args:
        params: under the names above; copied.
        discrete: kind of actions.
        config: settings.
    """

    def __init__(self, params: Mapping[str, Tensor], discrete: bool, config: ReferenceConfig) -> None:
        self.config, self.discrete, self.beta = config, discrete, 1.0
        self.params = {name: value.detach().clone().contiguous() for name, value in params.items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.params.items()}
        self.v = {name: torch.zeros_like(value) for name, value in self.params.items()}
        self.steps, self.rewards, self.ends = 0, [], []

    def update(self, rollout: ReferenceRollout, augment: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Update everything; return the losses, averaged over the minibatches.

        Args:
            rollout: see there.
            augment: makes the consistency loss's view of images [B, C, H, W] given the rows of a minibatch.
        """
        flat = {"images": rollout.images.flatten(0, 1), "action": rollout.action.flatten(0, 1)}
        with torch.no_grad():
            old, value = self.forward(flat["images"])
            flat |= {"old": old, "old_value": value, "old_log_prob": self.log_prob(old, flat["action"])}
        arrays = (rollout.next_value, rollout.terminated, rollout.truncated)
        values = value.reshape(rollout.action.shape[:2]).double().numpy()
        advantage = ppo_losses.advantages(
            self.scale(rollout), values, *arrays, self.config.gamma, self.config.gae_lambda
        )
        flat |= {"advantage": torch.tensor(advantage).float().flatten()}
        flat |= {"returns": torch.tensor(advantage + values).float().flatten()}
        losses = [self.step({n: x[rows] for n, x in flat.items()}, augment(rows)) for rows in rollout.order]
        if self.config.kl:
            self.adapt([row["kl"] for row in losses[-rollout.last_epoch :]])
        return {name: sum(row[name] for row in losses) / len(losses) for name in losses[0]}

    def scale(self, rollout: ReferenceRollout) -> np.ndarray:
        """Scale the rewards with all that were ever seen; return those of this rollout."""
        self.rewards.append(rollout.reward)
        self.ends.append(rollout.terminated | rollout.truncated)
        everything = np.concatenate(self.rewards), np.concatenate(self.ends)
        scaled = ppo_losses.scaled_rewards(*everything, self.config.gamma, self.config.reward_clip)
        return scaled[-len(rollout.reward) :]

    def adapt(self, kls: list[float]) -> None:
        mean = sum(kls) / len(kls)
        if mean > 1.5 * self.config.target_kl:
            self.beta *= 2
        elif mean < self.config.target_kl / 1.5:
            self.beta /= 2

    def step(self, batch: dict[str, Tensor], augmented: Tensor) -> dict[str, float]:
        for value in self.params.values():
            value.requires_grad_(True)
        config, (out, value) = self.config, self.forward(batch["images"])
        ratio = torch.exp(self.log_prob(out, batch["action"]) - batch["old_log_prob"])
        a = batch["advantage"]
        a = (a - a.mean()) / (((a - a.mean()) ** 2).mean().sqrt() + 1e-8)
        kl = self.kl(batch["old"], out).mean()
        if config.kl:
            policy_loss = -(ratio * a).mean() + self.beta * kl
        else:
            policy_loss = -torch.min(ratio * a, torch.clip(ratio, 1 - config.clip, 1 + config.clip) * a).mean()
        near = batch["old_value"] + torch.clip(value - batch["old_value"], -config.clip, config.clip)
        errors = torch.max((value - batch["returns"]) ** 2, (near - batch["returns"]) ** 2)
        value_loss, entropy = errors.mean() / 2, self.entropy(out).mean()
        loss = policy_loss + config.vf_coef * value_loss - config.ent_coef * entropy
        losses = {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy, "kl": kl}
        if config.consistency:
            other, other_value = self.forward(augmented)
            losses["policy_consistency"] = self.kl(out.detach(), other).mean()
            losses["value_consistency"] = ((value.detach() - other_value) ** 2).mean() / 2
            loss = loss + config.consistency_coef * (losses["policy_consistency"] + losses["value_consistency"])
        grads = gradients(loss, self.params)
        norm = math.sqrt(sum(float((g**2).sum()) for g in grads.values()))
        factor = min(1.0, config.max_grad_norm / (norm + 1e-6))
        self.adam({name: factor * gradient for name, gradient in grads.items()})
        return {name: loss.item() for name, loss in losses.items()} | {"grad_norm": norm}

    def adam(self, found: Params) -> None:
        """Adam with bias correction (Kingma and Ba 2015, algorithm 1)."""
        self.steps += 1
        for name, gradient in found.items():
            self.m[name] = 0.9 * self.m[name] + 0.1 * gradient
            self.v[name] = 0.999 * self.v[name] + 0.001 * gradient**2
            m_hat, v_hat = self.m[name] / (1 - 0.9**self.steps), self.v[name] / (1 - 0.999**self.steps)
            move = self.config.lr * m_hat / (v_hat.sqrt() + self.config.adam_eps)
            self.params[name] = self.params[name].detach() - move

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [B, A], or mean and log_std [B, 2 A], and values [B]."""
        p = self.params
        features = convolve({name: value for name, value in p.items() if name.startswith("conv")}, images)
        hidden = torch.relu(features @ p["trunk.weight"].T + p["trunk.bias"])
        out, value = (hidden @ p[f"{name}.weight"].T + p[f"{name}.bias"] for name in ("policy", "value"))
        if not self.discrete:
            out = torch.cat([out, p["log_std"].repeat(len(out), 1)], dim=1)
        return out, value[:, 0]

    def log_prob(self, out: Tensor, action: Tensor) -> Tensor:
        if self.discrete:
            return torch.log(probabilities(out)[torch.arange(len(out)), action])
        mean, std = out.chunk(2, 1)[0], out.chunk(2, 1)[1].exp()
        density = torch.exp(-((action - mean) ** 2) / (2 * std**2)) / (std * math.sqrt(2 * math.pi))
        return torch.log(density).sum(1)

    def entropy(self, out: Tensor) -> Tensor:
        if self.discrete:
            p = probabilities(out)
            return -(p * torch.log(p)).sum(1)
        return (out.chunk(2, 1)[1] + math.log(math.sqrt(2 * math.pi * math.e))).sum(1)

    def kl(self, out: Tensor, other: Tensor) -> Tensor:
        """Return KL(out || other) [B]."""
        if self.discrete:
            p, q = probabilities(out), probabilities(other)
            return (p * torch.log(p / q)).sum(1)
        (m1, s1), (m2, s2) = out.chunk(2, 1), other.chunk(2, 1)
        variance1, variance2 = torch.exp(2 * s1), torch.exp(2 * s2)
        return (s2 - s1 + (variance1 + (m1 - m2) ** 2) / (2 * variance2) - 0.5).sum(1)


def probabilities(logits: Tensor) -> Tensor:
    """Exponentials over their sum."""
    powers = torch.exp(logits)
    return powers / powers.sum(1, keepdim=True)
