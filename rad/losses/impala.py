"""IMPALA's policy loss; its targets are in `rad.losses.returns`, its value loss is PPO's without clipping."""

from torch import Tensor

from rad.types import Metrics


def policy_gradient_loss(log_prob: Tensor, advantage: Tensor) -> tuple[Tensor, Metrics]:
    """Compute L = -mean(log pi(a|x) A), float [], whose gradient is minus the policy gradient.

    Both are float [B], the log-probabilities in nats; the advantages, importance weights included, receive no gradient.
    Metrics: `policy_loss`.

    Source: Espeholt et al. 2018 (IMPALA, arXiv 1802.01561), section 4.2; it sums over the batch, here it is averaged.
    """
    loss = -(log_prob * advantage.detach()).mean()
    return loss, {"policy_loss": loss.detach()}
