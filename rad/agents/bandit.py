"""UCB-DrAC: one augmentation after the other, chosen by the returns that follow; written `ucb:a,b,c`."""

import math
from collections import deque
from collections.abc import Mapping
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

import augment
from augment.base import require
from augment.compose import split_outside_quotes
from rad.agents.device.draws import Draw, upload
from rad.agents.views import Views
from rad.types import Metrics

_PREFIX = "ucb:"


class UCB:
    """Choose the arm whose mean recent return plus a bonus for few trials is largest.

    The t-th choice, counting from 1, is argmax_i mean_i + coef * sqrt(log(t) / n_i), with mean_i over the last
    `window` returns of arm i and n_i the number of its returns ever. Arms without a return come first, in
    order; of equal arms the first one wins. Nothing is random, and `choose` changes nothing.

    An arm's return is known only after the policy that was updated with it has acted: choose, update the policy, act,
    then `update`.

    Args:
        num_arms, window: at least 1.
        coef: weight of the bonus, in the unit of the returns; at least 0 and finite.

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


def make_arms(
    spec: str, size: int = 84, crop: str = "render", *, distractors: Tensor | None = None
) -> dict[str, augment.Augmentation]:
    """Build the augmentations that `ucb:a,b` chooses among, by their texts; another text has one arm.

    Raises:
        ValueError: as of `augment.make` and `split_arms`, or the arms need images of different sizes.

    Example:
        >>> list(make_arms("ucb:crop,flip:p=0.5", 64, crop="pad").values())
        [Shift(pad=12), Flip(p=0.5)]
    """
    arms = {arm: augment.make(arm, size, crop, distractors=distractors) for arm in split_arms(spec)}
    sizes = {arm: op.input_size(size, size) for arm, op in arms.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"arms of ucb must have one input size, got {sizes}")
    return arms


class BanditViews(Views):
    """Views for rollouts, by one of several augmentations at a time, each an arm of a bandit.

    The caller repeats: `choose`, use the views, `update` with the returns, which must depend on the use of the views.
    One draw per environment can be held for a rollout: `sample_params`, `apply_params`.

    Args:
        candidates: augmentations by name; a single one is always chosen.
        image_shape: (C, H, W) of the stored images.
        generator: CPU generator of all draws.

    Raises:
        ValueError: there is none, or their `eval_view`s differ: acting and evaluation would depend on the choice.

    Attributes:
        index: number of the candidate in use; None before the first choice, when it is the first.
        env_params: what was drawn for the environments; set, it is used as if it had been drawn here.
    """

    def __init__(
        self,
        candidates: Mapping[str, augment.Augmentation],
        image_shape: tuple[int, int, int],
        generator: torch.Generator,
    ) -> None:
        self.names, self.bandit = list(candidates), UCB(len(candidates))
        self._arms = [augment.split_at_float(op) for op in candidates.values()]
        self.env_params: Draw = []
        super().__init__(next(iter(candidates.values())), generator)
        self._use(None if len(candidates) > 1 else 0)
        _check_alike(candidates, image_shape)

    def choose(self) -> None:
        """Choose the candidate to use next."""
        self._use(self.bandit.choose())

    def _use(self, index: int | None) -> None:
        self.index, self._stages = index, self._arms[index or 0]

    def update(self, mean_return: float) -> None:
        """Give the bandit the return of the candidate in use; nothing happens before the first choice."""
        if self.index is not None and len(self.names) > 1:
            self.bandit.update(self.index, mean_return)

    def metrics(self) -> Metrics:
        """Return, if there is a choice, 1 for the candidate in use and 0 for the others: averages are shares."""
        if len(self.names) == 1:
            return {}
        return {f"augment/{name}": torch.tensor(float(i == self.index)) for i, name in enumerate(self.names)}

    def sample_params(self, shape: tuple[int, int, int, int], device: torch.device) -> None:
        """Draw parameters for N environments with images of `shape` = (N, C, H, W), in place of the last ones."""
        self.env_params = upload(self.draw(shape), device)

    def apply_params(self, images: Tensor, env: Tensor | slice) -> Tensor:
        """Apply to each image, uint8 [B, C, H, W], the parameters of its environment.

        Environments are int64 [B] on the images' device, or a slice of all. The views are float32 [B, C, H', W'] in
        [0, 1].
        """
        device = images.device
        rows = [{name: value.to(device)[env] for name, value in params.items()} for params in self.env_params]
        return self.apply(images, rows)

    def state_dict(self) -> dict[str, Any]:
        """Return generator, parameters of the environments, bandit and choice."""
        return super().state_dict() | {
            "held": self.env_params,
            "bandit": self.bandit.state_dict(),
            "chosen": self.index,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; in states of earlier versions each candidate has a state of its own."""
        self.bandit.load_state_dict(state["bandit"])
        self._use(state["chosen"])
        views = list(state["arms"].values())[self.index or 0] if "arms" in state else state
        super().load_state_dict(views)
        self.env_params = views["held"]


def _check_alike(candidates: Mapping[str, augment.Augmentation], image_shape: tuple[int, int, int]) -> None:
    """Compare the unaugmented views of one image with a different byte in each neighboring place."""
    image = (torch.arange(torch.Size(image_shape).numel()) * 37 % 251).to(torch.uint8).view(1, *image_shape)
    (first, reference), *others = (
        (name, Views(op, torch.Generator()).eval_view(image)) for name, op in candidates.items()
    )
    for name, view in others:
        if view.shape != reference.shape or not torch.equal(view, reference):
            raise ValueError(f"candidates must have the same eval view, as with --crop pad, got {first} and {name}")
