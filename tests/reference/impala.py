"""IMPALA in plain NumPy: V-trace as the paper's sum, one step at a time, and its losses.

Source: Espeholt et al. 2018 (arXiv 1802.01561), eq. 1 as it stands, and section 4.2.
"""

import math

import numpy as np


def vtrace(
    log_ratio: np.ndarray, reward: np.ndarray, value: np.ndarray, next_value: np.ndarray,
    terminated: np.ndarray, truncated: np.ndarray, gamma: float, rho_clip: float, c_clip: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return v_s = V(x_s) + sum_t gamma^(t-s) (prod_{i=s}^{t-1} c_i) rho_t delta_t up to the end of the episode of s.

    And rho_s (r_s + gamma v_{s+1} - V(x_s)), where v_{s+1} is the value of what followed if s is the last step.
    """
    steps, envs = reward.shape
    target, advantage = value.astype(float).copy(), np.zeros((steps, envs))
    for n in range(envs):
        for s in range(steps):
            product = 1.0
            for t in range(s, steps):
                ratio = math.exp(log_ratio[t, n])
                future = 0.0 if terminated[t, n] else gamma * next_value[t, n]
                delta = min(rho_clip, ratio) * (reward[t, n] + future - value[t, n])
                target[s, n] += gamma ** (t - s) * product * delta
                if terminated[t, n] or truncated[t, n]:
                    break
                product *= min(c_clip, ratio)
        for s in range(steps):
            rho, ended = min(rho_clip, math.exp(log_ratio[s, n])), terminated[s, n] or truncated[s, n]
            if terminated[s, n]:
                following = 0.0
            elif ended or s == steps - 1:
                following = next_value[s, n]
            else:  # V(x_{s+1}) as it was given for this step, and how far v_{s+1} is from V(x_{s+1})
                following = next_value[s, n] + target[s + 1, n] - value[s + 1, n]
            advantage[s, n] = rho * (reward[s, n] + gamma * following - value[s, n])
    return target, advantage
