"""The losses of Proximal Policy Optimization: either policy objective, the value's, and the rule of the penalty.

Tensors are float [B] unless a shape is given. `log_prob` and `old_log_prob` are those of the stored actions under the
policy that learns and the one that acted, `kl` is the divergence KL(pi_old || pi), all in nats, and
rho = pi(a|s) / pi_old(a|s). A loss, float [], is returned with its metrics.

Source: Schulman et al. 2017, "Proximal Policy Optimization Algorithms" (arXiv 1707.06347), eqs. 7-9.
"""

import torch
from torch import Tensor

from rad.types import Metrics


def normalize(advantage: Tensor, batch: Tensor) -> Tensor:
    """Shift and scale advantages, float [B], by mean and standard deviation of a batch that they are a part of.

    The standard deviation is that of the batch itself (no correction), so that a batch of one gives 0; 1e-8
    is added to it. Source: OpenAI baselines, ppo2.
    """
    return (advantage - batch.mean()) / (batch.std(correction=0) + 1e-8)


def clipped_policy_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip_coef: float
) -> tuple[Tensor, Metrics]:
    """Compute L = -mean(min(rho A, clip(rho, 1 - c, 1 + c) A)) with the clipping c > 0.

    Metrics: `policy_loss`, `clip_fraction` (share of ratios outside 1 +- c). Source: eq. 7.
    """
    ratio = (log_prob - old_log_prob).exp()
    clipped = ratio.clamp(1.0 - clip_coef, 1.0 + clip_coef)
    loss = -torch.minimum(ratio * advantage, clipped * advantage).mean()
    outside = ((ratio.detach() - 1.0).abs() > clip_coef).float().mean()
    return loss, {"policy_loss": loss.detach(), "clip_fraction": outside}


def penalized_policy_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, kl: Tensor, beta: Tensor
) -> tuple[Tensor, Metrics]:
    """Compute L = -mean(rho A - beta KL(pi_old || pi)) with a weight beta > 0, float [], that receives no gradient.

    Metrics: `policy_loss`, `kl_beta`. Source: eq. 8.
    """
    ratio = (log_prob - old_log_prob).exp()
    loss = -(ratio * advantage - beta.detach() * kl).mean()
    return loss, {"policy_loss": loss.detach(), "kl_beta": beta.detach()}


def adapt_beta(beta: Tensor, kl: Tensor, target_kl: float) -> Tensor:
    """Double beta, float [], where the divergence is above 1.5 times its target, and halve it below the target / 1.5.

    `kl`, float [], is the mean divergence that the last update led to, and `target_kl` > 0, in nats. The new beta is on
    the same device: the host need not wait for it. Source: section 4, "Adaptive KL Penalty Coefficient".
    """
    factor = torch.where(kl > 1.5 * target_kl, 2.0, torch.where(kl < target_kl / 1.5, 0.5, 1.0))
    return beta * factor


def value_loss(value: Tensor, old_value: Tensor, returns: Tensor, clip_coef: float | None) -> tuple[Tensor, Metrics]:
    """Compute L = mean(max((V - R)^2, (V_c - R)^2)) / 2 with V_c = V_old + clip(V - V_old, -c, c).

    V_old are the values at the time of acting, R the returns to regress on, c > 0; None does not clip:
    L = mean((V - R)^2) / 2. Metrics: `value_loss`, `value` (mean of V).

    Source: OpenAI baselines, ppo2; the clipping is not in the paper.
    """
    error = (value - returns).square()
    if clip_coef is not None:
        clipped = old_value + (value - old_value).clamp(-clip_coef, clip_coef)
        error = torch.maximum(error, (clipped - returns).square())
    loss = 0.5 * error.mean()
    return loss, {"value_loss": loss.detach(), "value": value.detach().mean()}
