"""DrAC's loss: policy and value should agree on clean and augmented images."""

from torch import Tensor

from rad.types import Metrics


def consistency_loss(kl: Tensor, value: Tensor, augmented_value: Tensor) -> tuple[Tensor, Metrics]:
    """Compute L = G_pi + G_V = mean(KL(pi(.|s) || pi(.|f(s)))) + mean((V(s) - V(f(s)))^2) / 2.

    All are float [B]: `kl`, in nats, from the policy of clean images, detached by the caller, to that of augmented
    ones, and the values of both; those of clean images receive no gradient. Metrics: `policy_consistency`,
    `value_consistency`.

    Source: Raileanu et al. 2021 (DrAC, arXiv 2006.12862), eqs. 3 and 4, with the factor 1/2 of the published
    code, to which the coefficient 0.1 belongs. That code has -log pi(a|f(s)) of an action a drawn from pi(.|s); its
    expectation differs from the divergence by the entropy of pi(.|s), which has no gradient.
    """
    policy_term, value_term = kl.mean(), 0.5 * (value.detach() - augmented_value).square().mean()
    metrics = {"policy_consistency": policy_term.detach(), "value_consistency": value_term.detach()}
    return policy_term + value_term, metrics
