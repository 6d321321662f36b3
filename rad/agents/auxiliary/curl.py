"""CURL: two crops of one image should be told from crops of all other images of the batch."""

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import encoders
from augment.base import require
from rad.agents.optimizers import Adam, soft_update
from rad.agents.state import Stateful
from rad.heads.sac import Projection
from rad.types import Batch, Images, Metrics


class CURL(Stateful):
    """The contrastive loss of CURL, between two views of each image that the agent's augmentation draws.

    The query is the encoder's feature of one view, projected; the key is that of the other view by networks that
    follow slowly and are not trained.

    Args:
        encoder: the agent's, which the loss trains too.
        generator: CPU generator of the initial weights.
        dim: size D of queries and keys.
        lr: learning rate of projection and W; the encoder has the agent's.
        tau: averaging rate of the key networks.
        coef: weight of the loss beside the agent's own.

    Raises:
        ValueError: an option is out of range.

    Source: Srinivas et al. 2020 (CURL, arXiv 2004.04136), section 4, and its code. Deliberate differences: the encoder
    takes one step down the sum of all losses instead of one for each, the projection is not the critic's, and the key
    networks move in each update instead of every second.
    """

    parts = ("projection", "key_encoder", "key_projection", "optimizer")
    tensors = ("weight",)
    num_views = 2

    def __init__(
        self,
        encoder: encoders.Encoder,
        *,
        generator: torch.Generator,
        dim: int = 50,
        lr: float = 1e-3,
        tau: float = 0.05,
        coef: float = 1.0,
    ) -> None:
        require(1 <= dim <= 2**16, "curl", "dim", "from 1 to 65,536", dim)
        require(0 < lr < float("inf"), "curl", "lr", "above 0 and finite", lr)
        require(0 < tau <= 1, "curl", "tau", "above 0 and at most 1", tau)
        require(0 <= coef < float("inf"), "curl", "coef", "at least 0 and finite", coef)
        self.tau, self.coef = tau, coef
        device = next(encoder.parameters()).device
        self.projection = Projection(encoder.feature_dim, dim, generator=generator).to(device)
        self.weight = nn.Parameter(torch.rand(dim, dim, generator=generator).to(device))
        self.key_encoder, self.key_projection = (
            copy.deepcopy(network).requires_grad_(False) for network in (encoder, self.projection)
        )
        self.optimizer = Adam([*self.projection.parameters(), self.weight], lr=lr, fused=True)

    def loss(self, encoder: encoders.Encoder, batch: Batch, view: Callable[[Images], Tensor]) -> tuple[Tensor, Metrics]:
        """Compute the weighted loss of a batch's observations, and metrics `curl_loss`, `curl_accuracy`."""
        query = self.projection(encoder(view(batch.obs)))
        with torch.no_grad():
            key = self.key_projection(self.key_encoder(view(batch.obs)))
        with torch.autocast(query.device.type, enabled=False):
            loss, metrics = bilinear_info_nce(query, key, self.weight)
        return self.coef * loss, metrics

    def step(self, encoder: encoders.Encoder) -> None:
        """Step projection and W down the gradient, and move the key networks toward encoder and projection."""
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        soft_update(encoder, self.key_encoder, self.tau)
        soft_update(self.projection, self.key_projection, self.tau)


def bilinear_info_nce(query: Tensor, key: Tensor, weight: Tensor) -> tuple[Tensor, Metrics]:
    """Compute L = -mean_i log softmax_j(q_i^T W k_j) at j = i: key i belongs to query i, all others are negatives.

    Queries and keys are float [B, D], the keys without gradient, and W, the weight, is float [D, D]. Metrics:
    `curl_loss`, `curl_accuracy` (share of queries whose own key has the largest logit).

    Source: Srinivas et al. 2020, section 4.3 and eq. 4.
    """
    logits = query @ weight @ key.T  # [B, B]
    labels = torch.arange(len(logits), device=logits.device)
    loss = F.cross_entropy(logits, labels)
    accuracy = (logits.detach().argmax(1) == labels).float().mean()
    return loss, {"curl_loss": loss.detach(), "curl_accuracy": accuracy}
