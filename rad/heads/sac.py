"""SAC's heads on encoder features: a projection, then the policy or the two Q functions.

All take `feature_dim`, the size of the encoder's features F, and a CPU `generator` of the weights; `tanh` ends the
projection with tanh.

Source: RAD (Laskin et al. 2020), after CURL: linear to 50 and LayerNorm, no tanh (DrQ has one); two hidden layers of
1024; linear layers initialized orthogonally, biases zero.
"""

import torch
from torch import Tensor, nn

from rad.heads.distributions import SquashedGaussian
from rad.heads.linear import linear


class Projection(nn.Module):
    """Project encoder features to size P: Linear, LayerNorm and, where the paper has it, tanh."""

    def __init__(
        self, feature_dim: int, projection_dim: int, tanh: bool = False, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.linear = linear(feature_dim, projection_dim, generator)
        self.norm = nn.LayerNorm(projection_dim)
        self.activation = nn.Tanh() if tanh else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """Map float [B, F] to float32 [B, P]; statistics of the norm are taken in float32."""
        return self.activation(self.norm(self.linear(features).float()))


class MLP(nn.Module):
    """Two hidden ReLU layers and a linear output that is always computed in float32.

    bfloat16 keeps 8 bits: a Q value of 100 would be rounded to a multiple of 0.5.
    """

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int, generator: torch.Generator) -> None:
        super().__init__()
        first, second = linear(in_dim, hidden_dim, generator), linear(hidden_dim, hidden_dim, generator)
        self.hidden = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
        self.out = linear(hidden_dim, out_dim, generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map float [B, in_dim] to float32 [B, out_dim]."""
        hidden = self.hidden(inputs)
        with torch.autocast(hidden.device.type, enabled=False):
            return self.out(hidden.float())


class Actor(nn.Module):
    """The policy pi(a|s): features to a squashed Gaussian.

    tanh maps log_std into `log_std_bounds`; RAD has (-10, 2). `tanh_floor` is the distribution's.
    """

    def __init__(
        self,
        feature_dim: int,
        action_dim: int,
        *,
        projection_dim: int,
        hidden_dim: int,
        log_std_bounds: tuple[float, float],
        tanh_floor: float = 0.0,
        tanh: bool = False,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.projection = Projection(feature_dim, projection_dim, tanh, generator=generator)
        self.mlp = MLP(projection_dim, hidden_dim, 2 * action_dim, generator)
        self.log_std_bounds, self.tanh_floor = log_std_bounds, tanh_floor

    def forward(self, features: Tensor) -> SquashedGaussian:
        """Map float [B, F] to a distribution over actions [B, A]."""
        mean, raw_log_std = self.mlp(self.projection(features)).chunk(2, dim=-1)
        low, high = self.log_std_bounds
        return SquashedGaussian(mean, low + 0.5 * (high - low) * (raw_log_std.tanh() + 1.0), self.tanh_floor)


class Critic(nn.Module):
    """Two Q functions on one projection of the features."""

    def __init__(
        self,
        feature_dim: int,
        action_dim: int,
        *,
        projection_dim: int,
        hidden_dim: int,
        tanh: bool = False,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.projection = Projection(feature_dim, projection_dim, tanh, generator=generator)
        self.q1, self.q2 = (MLP(projection_dim + action_dim, hidden_dim, 1, generator) for _ in range(2))

    def forward(self, features: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Map float [B, F] and actions [B, A] to the two values, float32 [B] each."""
        inputs = torch.cat([self.projection(features), action], dim=-1)
        return self.q1(inputs).squeeze(-1), self.q2(inputs).squeeze(-1)
