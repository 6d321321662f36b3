"""PPO's head on encoder features: a trunk that policy and value share, then a linear layer for each.

Source: IMPALA's network in Procgen (Cobbe et al. 2020), a linear layer of 256 and ReLU; orthogonal weights with gains
sqrt 2, policy 0.01 and value 1, biases and log_std 0 as in OpenAI baselines (ppo2) and CleanRL; Huang et al. 2022, "The
37 Implementation Details of PPO", core detail 2 and continuous details 2 and 3.
"""

import math

import torch
from torch import Tensor, nn

from rad.heads.distributions import Categorical, Distribution, Gaussian
from rad.heads.linear import linear


class PolicyValue(nn.Module):
    """The policy pi(.|s) and the value V(s).

    Args:
        feature_dim: size of the encoder's features F.
        action_dim: number of discrete actions, or size of a continuous one.
        discrete: a Categorical policy, or a Gaussian one whose log_std does not depend on the features.
        hidden_dim: width of the trunk.
        generator: CPU generator from which the weights are drawn.
    """

    def __init__(
        self, feature_dim: int, action_dim: int, *, discrete: bool, hidden_dim: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.trunk = nn.Sequential(linear(feature_dim, hidden_dim, generator, math.sqrt(2.0)), nn.ReLU())
        self.policy = linear(hidden_dim, action_dim, generator, 0.01)
        self.value = linear(hidden_dim, 1, generator)
        self.log_std = None if discrete else nn.Parameter(torch.zeros(action_dim))
        self.kind: type[Categorical | Gaussian] = Categorical if discrete else Gaussian

    def forward(self, features: Tensor) -> tuple[Distribution, Tensor]:
        """Map float [B, F] to the policy and the values [B]; the output layers are computed in float32."""
        hidden = self.trunk(features)
        with torch.autocast(hidden.device.type, enabled=False):
            out, value = self.policy(hidden.float()), self.value(hidden.float()).squeeze(-1)
        params = out if self.log_std is None else torch.cat([out, self.log_std.expand_as(out)], dim=-1)
        return self.distribution(params), value

    def distribution(self, params: Tensor) -> Distribution:
        """Rebuild a policy from its `params`, float [B, P]; P = A, or 2 A for continuous actions."""
        return self.kind(params)
