"""The losses of Proximal Policy Optimization: either policy objective, the value's, and the rule of the penalty.

Source: Schulman et al. 2017, "Proximal Policy Optimization Algorithms" (arXiv 1707.06347), eqs. 7-9.
"""

import torch
from torch import Tensor

from rad.types import Metrics


def normalize(advantage: Tensor) -> Tensor:
    """Shift and scale advantages, float [B], to mean 0 and standard deviation 1 over the batch.

    The standard deviation is that of the batch itself (no correction), so that a batch of one gives 0; 1e-8
    is added to it. Source: OpenAI baselines, ppo2.
    """
    return (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)


def clipped_policy_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip_coef: float
) -> tuple[Tensor, Metrics]:
    """Compute L = -mean(min(rho A, clip(rho, 1 - c, 1 + c) A)) with rho = pi(a|s) / pi_old(a|s).

    Args:
        log_prob: float [B], log-probability of the stored actions under the policy that learns, nats.
        old_log_prob: float [B], the same under the policy that acted.
        advantage: float [B].
        clip_coef: c, > 0.

    Returns:
        The loss, and metrics `policy_loss`, `clip_fraction` (share of ratios outside 1 +- c).

    Source: eq. 7.
    """
    ratio = (log_prob - old_log_prob).exp()
    clipped = ratio.clamp(1.0 - clip_coef, 1.0 + clip_coef)
    loss = -torch.minimum(ratio * advantage, clipped * advantage).mean()
    outside = ((ratio.detach() - 1.0).abs() > clip_coef).float().mean()
    return loss, {"policy_loss": loss.detach(), "clip_fraction": outside}


def penalized_policy_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, kl: Tensor, beta: Tensor
) -> tuple[Tensor, Metrics]:
    """Compute L = -mean(rho A - beta KL(pi_old || pi)) with rho = pi(a|s) / pi_old(a|s).

    Args:
        log_prob: float [B], log-probability of the stored actions under the policy that learns, nats.
        old_log_prob: float [B], the same under the policy that acted.
        advantage: float [B].
        kl: float [B], divergence of the policy that learns from the one that acted, nats; differentiable.
        beta: float [], weight of the divergence, > 0; receives no gradient.

    Returns:
        The loss, and metrics `policy_loss`, `kl_beta`.

    Source: eq. 8.
    """
    ratio = (log_prob - old_log_prob).exp()
    loss = -(ratio * advantage - beta.detach() * kl).mean()
    return loss, {"policy_loss": loss.detach(), "kl_beta": beta.detach()}


def adapt_beta(beta: Tensor, kl: Tensor, target_kl: float) -> Tensor:
    """Double beta where the divergence is above 1.5 times its target, and halve it below the target / 1.5.

    Args:
        beta: float [], weight of the divergence.
        kl: float [], mean divergence that the last update led to, nats.
        target_kl: nats, > 0.

    Returns:
        The new beta, float [], on the same device: the host need not wait for it.

    Source: section 4, "Adaptive KL Penalty Coefficient".
    """
    factor = torch.where(kl > 1.5 * target_kl, 2.0, torch.where(kl < target_kl / 1.5, 0.5, 1.0))
    return beta * factor


def value_loss(value: Tensor, old_value: Tensor, returns: Tensor, clip_coef: float | None) -> tuple[Tensor, Metrics]:
    """Compute L = mean(max((V - R)^2, (V_c - R)^2)) / 2 with V_c = V_old + clip(V - V_old, -c, c).

    Args:
        value: float [B], of the value function that learns.
        old_value: float [B], of the same observations at the time of acting.
        returns: float [B], to regress on.
        clip_coef: c, > 0; None does not clip: L = mean((V - R)^2) / 2.

    Returns:
        The loss, and metrics `value_loss`, `value` (mean of V).

    Source: OpenAI baselines, ppo2; the clipping is not in the paper.
    """
    error = (value - returns).square()
    if clip_coef is not None:
        clipped = old_value + (value - old_value).clamp(-clip_coef, clip_coef)
        error = torch.maximum(error, (clipped - returns).square())
    loss = 0.5 * error.mean()
    return loss, {"value_loss": loss.detach(), "value": value.detach().mean()}
