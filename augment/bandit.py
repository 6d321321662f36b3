"""Choice of one augmentation after the other by its upper confidence bound, written `ucb:a,b,c`."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from augment.base import require
from augment.compose import split_outside_quotes

_PREFIX = "ucb:"


class UCB:
    """Choose the arm whose mean recent return plus a bonus for few trials is largest.

    The t-th choice, counting from 1, is argmax_i mean_i + coef * sqrt(log(t) / n_i), with mean_i over the last
    `window` returns of arm i and n_i the number of its returns ever. Arms without a return come first, in
    order; of equal arms the first one wins. Nothing is random, and `choose` changes nothing.

    An arm's return is known only after the policy that was updated with it has acted: choose, update the policy, act,
    then `update`.

    Args:
        num_arms: number of arms.
        coef: weight of the bonus, in the unit of the returns.
        window: number of recent returns in an arm's mean.

    Raises:
        ValueError: a number is out of range.

    Source:
        UCB-DrAC (Raileanu et al. 2021), section 3.3: window 10, coef 0.1, the return being the mean of the rollout's
        value targets under normalized rewards. Deliberate difference: auto-drac counts a return of 0 for every arm at
        the start, so an arm may never be tried; here each is tried once before the rule.

    Example:
        >>> ucb = UCB(2)
        >>> for arm, mean_return in ((0, 1.0), (1, 3.0)):
        ...     ucb.update(arm, mean_return)
        >>> ucb.choose()
        1
    """

    def __init__(self, num_arms: int, *, coef: float = 0.1, window: int = 10) -> None:
        require(num_arms >= 1, "ucb", "num_arms", "at least 1", num_arms)
        require(0 <= coef < math.inf, "ucb", "coef", "at least 0 and finite", coef)
        require(window >= 1, "ucb", "window", "at least 1", window)
        self.coef = coef
        self.counts = [0] * num_arms
        self.returns: list[deque[float]] = [deque(maxlen=window) for _ in range(num_arms)]

    def choose(self) -> int:
        """Return the number of the arm to play next."""
        scores = self.scores()
        return scores.index(max(scores))

    def scores(self) -> list[float]:
        """Return the upper confidence bound of each arm; infinity for one without a return."""
        log_t = math.log(1 + sum(self.counts))
        return [
            fmean(returns) + self.coef * math.sqrt(log_t / count) if count else math.inf
            for returns, count in zip(self.returns, self.counts)
        ]

    def update(self, arm: int, mean_return: float) -> None:
        """Record the mean return of an arm.

        Raises:
            ValueError: there is no such arm, or the return is not finite.
        """
        require(0 <= arm < len(self.counts), "ucb", "arm", f"from 0 to {len(self.counts) - 1}", arm)
        require(math.isfinite(mean_return), "ucb", "mean_return", "finite", mean_return)
        self.counts[arm] += 1
        self.returns[arm].append(mean_return)

    def state_dict(self) -> dict[str, Any]:
        """Return counts and recent returns, plain lists."""
        return {"counts": list(self.counts), "returns": [list(returns) for returns in self.returns]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; a smaller window keeps the latest returns.

        Raises:
            ValueError: the state has another number of arms.
        """
        arms = len(state["counts"])
        require(arms == len(self.counts), "ucb", "arms of the state", f"{len(self.counts)}", arms)
        self.counts = list(state["counts"])
        window = self.returns[0].maxlen
        self.returns = [deque(returns, maxlen=window) for returns in state["returns"]]


def split_arms(spec: str) -> tuple[str, ...]:
    """Split `ucb:a,b,c` into the texts of its arms; any other text is a single arm.

    Raises:
        ValueError: there are fewer than two arms after `ucb:`, or one is given twice.

    Example:
        >>> split_arms("ucb:shift:pad=12,crop+flip"), split_arms("crop+flip")
        (('shift:pad=12', 'crop+flip'), ('crop+flip',))
    """
    if not spec.startswith(_PREFIX):
        return (spec,)
    arms = tuple(split_outside_quotes(spec.removeprefix(_PREFIX), ","))
    require(len(arms) > 1, "ucb", "arms", "two or more, as in ucb:a,b", spec)
    require(len(set(arms)) == len(arms), "ucb", "arms", "different from each other", spec)
    return arms
