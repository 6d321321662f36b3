"""Advantages and returns of a rollout, of the policy that acted (GAE) or of another one (V-trace)."""

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


def vtrace(
    log_ratio: Tensor,
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    rho_clip: float = 1.0,
    c_clip: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Estimate the values of a policy pi, and advantages for its gradient, from steps of the policy mu that acted.

    With the ratio pi(a_t|x_t) / mu(a_t|x_t), rho_t = min(rho_clip, ratio_t), c_t = min(c_clip, ratio_t) and
    delta_t = r_t + gamma V(x_{t+1}) (1 - terminated_t) - V(x_t):

    v_t - V(x_t) = rho_t delta_t + gamma c_t (1 - ended_t) (v_{t+1} - V(x_{t+1}));
    A_t = rho_t (r_t + gamma v_{t+1} (1 - terminated_t) - V(x_t)).

    Ends act as in `gae`: a termination has no future, a truncation that of V of the episode's final observation, as has
    the last step of all. Where pi is mu and both clips are 1 or more, both results are those of `gae` with lambda 1.

    Args:
        log_ratio: float [T, N], log pi(a|x) - log mu(a|x), nats.
        reward: as of `gae`.
        value: as of `gae`, of the policy that learns.
        next_value: as of `gae`, of the policy that learns.
        terminated: as of `gae`.
        truncated: as of `gae`.
        gamma: discount per agent step.
        rho_clip: largest rho; it decides to the values of which policy, between mu and pi, the targets lead.
        c_clip: largest c: how far a difference in time carries back; it decides how fast they lead there.

    Returns:
        Targets v (what the value regresses on) and advantages, float [T, N] each.

    Source: Espeholt et al. 2018 (IMPALA, arXiv 1802.01561), eq. 1 by its recursion (remark 1), and section 4.2.
    """
    ratio, carried = log_ratio.exp(), gamma * (~(terminated | truncated)).to(reward.dtype)
    rho, c = ratio.clamp(max=rho_clip), ratio.clamp(max=c_clip)
    delta = reward + gamma * next_value * ~terminated - value
    above = torch.zeros(len(delta) + 1, *delta.shape[1:], dtype=delta.dtype, device=delta.device)  # v - V
    for t in reversed(range(len(delta))):
        above[t] = rho[t] * delta[t] + carried[t] * c[t] * above[t + 1]
    return value + above[:-1], rho * (delta + carried * above[1:])
