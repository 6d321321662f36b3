"""UCB-DrAC's choice, written from the whole history of (arm, return). Source: Raileanu et al. 2021, section 3.3."""

import numpy as np


def choose(history, num_arms, coef, window):
    """Give the arm of the next choice after a list of (arm, return), oldest first."""
    choice = len(history) + 1
    scores = np.full(num_arms, np.inf)
    for arm in range(num_arms):
        returns = np.array([value for played, value in history if played == arm])
        if len(returns):
            scores[arm] = returns[-window:].mean() + coef * np.sqrt(np.log(choice) / len(returns))
    return int(np.argmax(scores))
