"""The quick way to a surface's pixels gives those of pygame's own."""

from typing import Any

import numpy as np
import pytest

from rad.envs.gym import quick_pixels

pygame: Any = pytest.importorskip("pygame", reason="the extra gym is not installed")


def speckled(depth: int) -> Any:
    surface = pygame.Surface((7, 5), depth=depth)
    noise = np.random.RandomState(0).randint(0, 256, (7, 5, 3), dtype=np.uint8)
    pygame.surfarray.blit_array(surface, noise)
    return surface


def environment(module: str) -> Any:
    return type("Env", (), {"__module__": module})()


@pytest.mark.parametrize("depth", [24, 32])
def test_pixels_are_pygames(depth: int) -> None:
    surface = speckled(depth)
    slow = np.array(pygame.surfarray.pixels3d(surface))
    with quick_pixels(environment("gymnasium.envs.box2d.lunar_lander")):
        quick = pygame.surfarray.pixels3d(surface)
    assert quick.dtype == np.uint8
    np.testing.assert_array_equal(quick, slow)
    assert np.shares_memory(quick, pygame.surfarray.pixels3d(surface)) == (depth == 24)


def test_only_gymnasiums_own_environments_get_a_copy() -> None:
    original = pygame.surfarray.pixels3d
    with quick_pixels(environment("gymnasium.envs.classic_control.cartpole")):
        assert pygame.surfarray.pixels3d is not original
    with quick_pixels(environment("gymnasium_of_another.env")):
        assert pygame.surfarray.pixels3d is original


def test_pygames_view_comes_back_after_an_error() -> None:
    original = pygame.surfarray.pixels3d
    with pytest.raises(ZeroDivisionError), quick_pixels(environment("gymnasium.envs.x")):
        _ = 1 / 0
    assert pygame.surfarray.pixels3d is original
