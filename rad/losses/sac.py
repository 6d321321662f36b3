"""The three losses of Soft Actor-Critic and its target.

Tensors are float [B] unless a shape is given. `q` are the two values of a critic, `log_prob` log-densities of actions
in nats; `alpha` > 0 is the temperature, float []. A loss, float [], is returned with its metrics.

Source: Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications" (arXiv 1812.05905), eqs. 5-9 and 18.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from rad.losses.diagnostics import explained_variance
from rad.types import Metrics


def soft_target(
    reward: Tensor, discount: Tensor, next_q: tuple[Tensor, Tensor], next_log_prob: Tensor, alpha: Tensor
) -> Tensor:
    """Compute y = r + discount * (min(Q1', Q2') - alpha * log pi(a'|s')), without gradient.

    The discount is gamma^n, or 0 where the episode terminated; `next_q` are the target critic's values of (s', a').

    Source: eq. 5 with the double-Q minimum.
    """
    soft_value = torch.minimum(*next_q) - alpha * next_log_prob
    return (reward + discount * soft_value).detach()


def critic_loss(q: tuple[Tensor, Tensor], target: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Metrics]:
    """Compute L = mean_b w_b [(Q1 - y)^2 + (Q2 - y)^2], with q of the stored actions and y from `soft_target`.

    The weights w, whose mean is 1, say how much each row counts; None counts all alike. Metrics: `critic_loss`, `q`
    (mean of Q1), `target`, `target_std`, `explained_variance` (by Q1).

    Source: eq. 6 (without its factor 1/2, as RAD and DrQ have it).
    """
    error = F.mse_loss(q[0], target, reduction="none") + F.mse_loss(q[1], target, reduction="none")
    loss = (error if weight is None else weight * error).mean()
    metrics = {"critic_loss": loss.detach(), "q": q[0].detach().mean(), "target": target.mean()}
    spread = {"target_std": target.std(correction=0), "explained_variance": explained_variance(q[0], target)}
    return loss, metrics | spread


def weak_and_strong(count: int, strong_weight: float, device: torch.device) -> Tensor:
    """Weigh SVEA's rows in the critic loss: `count` weak views by 2 (1 - beta), then as many strong ones by 2 beta.

    beta, the `strong_weight`, is from 0 to 1; the weights are float32 [2 count], mean 1.

    Source: Hansen et al. 2021 (SVEA, arXiv 2107.00644), eq. 8.
    """
    weight = torch.full((2 * count,), 2.0 * (1.0 - strong_weight), device=device)
    weight[count:] = 2.0 * strong_weight
    return weight


def actor_loss(q: tuple[Tensor, Tensor], log_prob: Tensor, alpha: Tensor) -> tuple[Tensor, Metrics]:
    """Compute L = mean(alpha * log pi(a|s) - min(Q1, Q2)(s, a)) with a reparametrized from pi; alpha has no gradient.

    Metrics: `actor_loss`, `entropy` (the estimate -log pi, nats). Source: eq. 9.
    """
    loss = (alpha.detach() * log_prob - torch.minimum(*q)).mean()
    return loss, {"actor_loss": loss.detach(), "entropy": -log_prob.detach().mean()}


def temperature_loss(log_alpha: Tensor, log_prob: Tensor, target_entropy: float) -> tuple[Tensor, Metrics]:
    """Compute L = mean(exp(log_alpha) * (-log pi(a|s) - target_entropy)), log_alpha learned, log pi without gradient.

    `target_entropy`, nats, is usually minus the size of the action. Metrics: `temperature_loss`, `temperature`.

    Source: eq. 18.
    """
    alpha = log_alpha.exp()
    loss = (alpha * (-log_prob.detach() - target_entropy)).mean()
    return loss, {"temperature_loss": loss.detach(), "temperature": alpha.detach()}
