from typing import Any

import pytest
import torch

import augment
from rad.agents.bandit import BanditViews, make_arms
from tests.rad.agents.small_ppo import small_agent, small_rollout

SHAPE = (3, 16, 16)
FLIP_OR_GRAY = "ucb:flip:p=1,grayscale:p=1"


def make(spec: str, seed: int = 0, crop: str = "pad") -> BanditViews:
    return BanditViews(make_arms(spec, size=16, crop=crop), SHAPE, torch.Generator().manual_seed(seed))


def images(seed: int = 5) -> torch.Tensor:
    return torch.randint(0, 256, (4, *SHAPE), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_one_arm_is_always_chosen_and_says_nothing() -> None:
    views = make("flip:p=1")
    assert views.index == 0 and views.metrics() == {}
    views.update(3.0)
    views.choose()
    assert views.index == 0
    assert torch.equal(views(images()), images().flip(-1) / 255)


def test_the_arm_in_use_makes_the_views() -> None:
    views, stored = make(FLIP_OR_GRAY), images()
    views.choose()
    assert torch.equal(views(stored), stored.flip(-1) / 255)
    views.update(1.0)
    views.choose()
    gray = views(stored)
    assert torch.equal(gray[:, 0], gray[:, 1]) and not torch.equal(gray, stored / 255)


def test_each_arm_is_tried_and_then_the_better_one_is_chosen() -> None:
    views, choices = make(FLIP_OR_GRAY), []
    for _ in range(8):
        views.choose()
        choices.append(views.index)
        views.update(1.0 if views.index == 1 else 0.0)
    assert choices == [0, 1, 1, 1, 1, 1, 1, 1]


def test_nothing_is_credited_before_the_first_choice() -> None:
    views = make(FLIP_OR_GRAY)
    views.update(100.0)
    assert views.bandit.counts == [0, 0]


def test_metrics_are_one_for_the_arm_in_use() -> None:
    views = make(FLIP_OR_GRAY)
    views.choose()
    assert {name: float(value) for name, value in views.metrics().items()} == {
        "augment/flip:p=1": 1.0,
        "augment/grayscale:p=1": 0.0,
    }


def test_what_is_held_is_of_the_arm_in_use() -> None:
    views, stored = make(FLIP_OR_GRAY), images()
    views.choose()
    views.sample_params((4, *SHAPE), torch.device("cpu"))
    assert torch.equal(views.apply_params(stored, torch.arange(4)), stored.flip(-1) / 255)


def test_evaluation_does_not_depend_on_the_choice() -> None:
    views, stored = make(FLIP_OR_GRAY), images()
    before = views.eval_view(stored)
    views.choose()
    views.update(0.0)
    views.choose()
    assert torch.equal(views.eval_view(stored), before)


def test_arms_that_show_evaluation_differently_are_refused() -> None:
    with pytest.raises(ValueError, match="the same eval view, as with --crop pad, got flip and crop"):
        make("ucb:flip,crop", crop="resize")
    with pytest.raises(ValueError, match="num_arms must be at least 1, got 0"):
        BanditViews({}, SHAPE, torch.Generator())


def test_a_restored_state_goes_on_alike() -> None:
    original, restored, stored = make("ucb:crop,flip"), make("ucb:crop,flip", seed=9), images()
    for value in (1.0, 0.5, 0.7):
        original.choose()
        original.sample_params((4, *SHAPE), torch.device("cpu"))
        original.update(value)
    restored.load_state_dict(original.state_dict())
    assert restored.index == original.index
    for views in (original, restored):
        views.choose()
    assert torch.equal(original.apply_params(stored, torch.arange(4)), restored.apply_params(stored, torch.arange(4)))
    assert torch.equal(original(stored), restored(stored))


def test_a_state_with_one_for_each_arm_loads() -> None:
    """As earlier versions wrote it: the parameters in use are those of the chosen arm."""
    original, restored, stored = make("ucb:crop,flip"), make("ucb:crop,flip", seed=9), images()
    original.choose()
    original.update(1.0)
    original.choose()
    original.sample_params((4, *SHAPE), torch.device("cpu"))
    state = original.state_dict()
    of_arm = {name: state.pop(name) for name in ("generator", "frozen_params", "held")}
    restored.load_state_dict(state | {"arms": {"crop": of_arm | {"held": [{}, {}]}, "flip": of_arm}})
    assert restored.index == 1
    assert torch.equal(original.apply_params(stored, torch.arange(4)), restored.apply_params(stored, torch.arange(4)))
    assert torch.equal(original(stored), restored(stored))


@pytest.mark.parametrize(("where", "first"), [("rollout", [0, 1]), ("consistency", [0, 1])])
def test_the_agent_tries_the_arms_in_turn_and_credits_them(where: Any, first: list[int]) -> None:
    agent = small_agent("ucb:flip:p=1,grayscale:p=1", augment_where=where)
    used, credited = [], []
    for seed in range(2):
        rollout = small_rollout(agent, seed)
        agent.update(rollout)
        used.append(agent.views.index)
        credited.append(sum(agent.views.bandit.counts))
    assert used == first
    # What shaped a rollout is known before it in the one case, and after it in the other.
    assert credited == ([1, 2] if where == "rollout" else [0, 1])


def test_the_state_of_a_single_augmentation_loads_whatever_it_is_called() -> None:
    named, unnamed = make("crop"), BanditViews({"": augment.make("crop", 16, "pad")}, SHAPE, torch.Generator())
    unnamed.load_state_dict(named.state_dict())
    assert torch.equal(unnamed(images()), named(images()))
