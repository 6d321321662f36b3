"""Advantages and returns of a rollout."""

import torch
from torch import Tensor


def gae(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    gae_lambda: float,
) -> tuple[Tensor, Tensor]:
    """Estimate advantages by an exponential mean of k-step ones, backwards in time.

    delta_t = r_t + gamma V(s_{t+1}) (1 - terminated_t) - V(s_t);
    A_t = delta_t + gamma lambda (1 - ended_t) A_{t+1}, with ended = terminated or truncated.

    So a termination has no future, while a truncation keeps the value of the episode's last observation; through
    neither does the sum reach into the next episode. The usual implementations have one `done` and treat a time limit
    as a termination.

    Args:
        reward: float [T, N], of the step from observation t.
        value: float [T, N], of observation t.
        next_value: float [T, N], of the observation after step t: at an episode's end the final one, not the first of
            the next episode.
        terminated: bool [T, N], the future counts for nothing; it decides where both are true.
        truncated: bool [T, N], the episode was cut.
        gamma: discount per agent step.
        gae_lambda: lambda, from 0 (the one-step advantage) to 1 (the return of all steps of the rollout, less V).

    Returns:
        Advantages and returns (advantage + value, what the value regresses on), float [T, N] each.

    Source: Schulman et al. 2016 (arXiv 1506.02438), eqs. 11, 12 and 16; bootstrapping at time limits: Pardo et
    al. 2018 (arXiv 1712.00378), section 3.
    """
    delta = reward + gamma * next_value * ~terminated - value
    carried = gamma * gae_lambda * (~(terminated | truncated)).to(delta.dtype)
    advantage, later = torch.empty_like(delta), torch.zeros_like(delta[0])
    for t in reversed(range(len(delta))):
        later = delta[t] + carried[t] * later
        advantage[t] = later
    return advantage, advantage + value
