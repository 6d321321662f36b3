import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rad import envs
from rad.envs.probe import BRIGHT, GRAY, GREEN, PROBES, RED, ProbeSimulator, ProbeSpec
from tests.rad.envs.probe_returns import returns_of, values

EPISODES = 2000


def mean_return(name: str, policy: Callable[[ProbeSimulator], Any], episodes: int = EPISODES) -> float:
    simulator = ProbeSimulator(name, 1, 0)
    total = 0.0
    for _ in range(episodes):
        simulator.begin()
        over = False
        while not over:
            reward, over, truncated = simulator.advance(policy(simulator))
            assert not truncated
            total += reward
    return total / episodes


def candidates(spec: ProbeSpec) -> list[Any]:
    return [0, 1] if spec.discrete else list(np.linspace(-1, 1, 41)[:, None])


def best_blind(name: str) -> float:
    return max(mean_return(name, lambda _, a=action: a, 400) for action in candidates(PROBES[name]))


def best_seeing(name: str) -> float:
    """The best of all maps from the picture's color to an action."""
    spec = PROBES[name]
    seen = sorted({color for case in spec.cases for color in case.colors})
    some = candidates(spec) if spec.discrete else [np.array([a]) for a in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    policies = [dict(zip(seen, actions)) for actions in itertools.product(some, repeat=len(seen))]

    def play(policy: dict[Any, Any]) -> float:
        return mean_return(name, lambda s: policy[tuple(int(v) for v in s.frame()[:, 0, 0])], 200)

    return max(map(play, policies))


@pytest.mark.parametrize("name", PROBES)
def test_returns_are_as_the_table_says(name: str) -> None:
    spec = PROBES[name]
    generator = np.random.default_rng(0)
    draw = (lambda _: int(generator.integers(2))) if spec.discrete else (lambda _: generator.uniform(-1, 1, 1))
    assert mean_return(name, draw) == pytest.approx(returns_of(name).random, abs=0.12)
    assert best_blind(name) == pytest.approx(returns_of(name).blind, abs=0.12)
    assert best_seeing(name) == pytest.approx(returns_of(name).optimal, abs=0.12)


def test_discounted_values() -> None:
    assert values("value", 0.9) == (1.0,)
    assert values("observation", 0.9) == (-1.0, 1.0)
    assert values("discounting", 0.9) == (0.9,)
    assert values("both", 0.9) == (1.0, 1.0)


def test_discounting_pays_one_step_late_and_shows_it() -> None:
    simulator = ProbeSimulator("discounting", 2, 0)
    simulator.begin()
    first = simulator.frame()
    assert simulator.advance(np.zeros(1)) == (0.0, False, False)
    second = simulator.frame()
    assert not np.array_equal(first, second)
    assert simulator.advance(np.zeros(1)) == (1.0, True, False)
    assert np.array_equal(simulator.frame(), second)


@pytest.mark.parametrize("name", ["action", "both", "color"])
def test_a_positive_target_is_a_half_or_action_one(name: str) -> None:
    for simulator, right, wrong, rewards in (
        (ProbeSimulator(name, 1, 0), np.array([0.5]), np.array([-0.5]), (1.0, -3.0)),
        (ProbeSimulator(f"{name}-discrete", 1, 0), 1, 0, (1.0, -1.0)),
    ):
        for case in PROBES[name].cases:
            simulator._case = case
            first, second = rewards if case.target == 0.5 else rewards[::-1]
            assert (simulator._pay(right), simulator._pay(wrong)) == (first, second)
    assert PROBES[name].cases[-1].colors[0] in (GRAY, BRIGHT, GREEN)


def test_colors_are_equal_in_grayscale_and_far_apart_in_hue() -> None:
    weights = np.array([299, 587, 114])
    assert weights @ RED == weights @ GREEN
    assert abs(RED[0] - GREEN[0]) > 200 and abs(RED[1] - GREEN[1]) > 100


def test_frames_are_plain_so_that_geometry_changes_nothing() -> None:
    venv = envs.make("probe/color", image_size=13)
    obs, _ = venv.reset()
    venv.close()
    assert (obs == obs[:, :, :1, :1]).all()
    assert tuple(obs[0, :3, 0, 0]) in (RED, GREEN)


def test_every_probe_has_a_discrete_twin() -> None:
    continuous = [name for name, spec in PROBES.items() if not spec.discrete]
    assert sorted(PROBES) == sorted([*continuous, *(f"{name}-discrete" for name in continuous)])
    assert continuous == ["value", "observation", "discounting", "action", "both", "color"]
