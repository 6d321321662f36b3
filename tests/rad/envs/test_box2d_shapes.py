"""Shapes of Box2D are freed once nothing points to them, and not before."""

import ctypes
import gc
import subprocess
import sys
import weakref
from typing import Any

import pytest

from rad.envs.gym import free_shapes

Box2D: Any = pytest.importorskip("Box2D", reason="the extra gym is not installed")


@pytest.fixture(autouse=True)
def freed() -> None:
    free_shapes()


def edge(end: float = 1.0) -> Any:
    return Box2D.b2EdgeShape(vertices=[(0.0, 0.0), (end, 0.0)])


def test_a_shape_lives_as_long_as_its_definition_and_is_freed_with_it() -> None:
    shape = edge()
    seen = weakref.ref(shape)
    definition = Box2D.b2FixtureDef(shape=shape)
    assert shape.thisown
    del shape
    gc.collect()
    assert seen() is not None and definition.shape.vertices == [(0.0, 0.0), (1.0, 0.0)]
    definition.shape = other = edge(2.0)
    assert seen() is None and other.thisown and definition.shape.vertices == [(0.0, 0.0), (2.0, 0.0)]


def test_a_body_has_its_own_copy() -> None:
    world = Box2D.b2World()
    body = world.CreateStaticBody(fixtures=Box2D.b2FixtureDef(shape=edge(3.0)))
    body.CreateEdgeFixture(vertices=[(0.0, 0.0), (4.0, 0.0)])
    gc.collect()
    assert sorted(fixture.shape.vertices[1][0] for fixture in body.fixtures) == [3.0, 4.0]


def test_a_shape_of_the_world_stays_its_own() -> None:
    world = Box2D.b2World()
    body = world.CreateStaticBody(shapes=edge())
    definition = Box2D.b2FixtureDef(shape=body.fixtures[0].shape)
    assert not definition.shape.thisown
    del definition
    gc.collect()
    assert body.fixtures[0].shape.vertices == [(0.0, 0.0), (1.0, 0.0)]


def test_no_shape_is_a_definition_without_one() -> None:
    definition = Box2D.b2FixtureDef(shape=edge())
    definition.shape = None
    assert definition.shape is None


def test_a_shape_lives_as_long_as_anything_points_to_it() -> None:
    first = Box2D.b2FixtureDef(shape=edge(5.0))
    alone, second = first.shape, Box2D.b2FixtureDef(shape=first.shape)
    second.shape = second.shape
    del first
    gc.collect()
    assert alone.vertices == second.shape.vertices == [(0.0, 0.0), (5.0, 0.0)]
    alone = Box2D.b2FixtureDef(shape=edge(6.0)).shape
    gc.collect()
    assert alone.vertices == [(0.0, 0.0), (6.0, 0.0)]


def test_a_definition_that_is_lent_for_other_shapes_has_its_own_again() -> None:
    definition = Box2D.b2FixtureDef(shape=edge(7.0))
    Box2D.b2World().CreateStaticBody(shapes=edge(8.0), shapeFixture=definition)
    gc.collect()
    assert definition.shape.vertices == [(0.0, 0.0), (7.0, 0.0)]


def test_it_is_done_once() -> None:
    before = Box2D.b2FixtureDef.shape
    free_shapes()
    assert Box2D.b2FixtureDef.shape is before


FIRST = """
import ctypes, gc, sys

COUNTERS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
Mallinfo2 = type("Mallinfo2", (ctypes.Structure,), {"_fields_": [(n, ctypes.c_size_t) for n in COUNTERS.split()]})
library = ctypes.CDLL(None)
library.mallinfo2.restype = Mallinfo2

def allocated():
    gc.collect()
    return library.mallinfo2().uordblks

from rad.envs.gym import GymSimulator

env = GymSimulator("LunarLander-v3", 16, 0)
for _ in range(2):  # the first one fills caches
    before = allocated()
    for _ in range(100):
        env.begin()
    left = (allocated() - before) / 100
print(left)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs the memory counters of glibc 2.33")
def test_episodes_of_lunar_lander_leave_nothing_behind() -> None:
    # in a process of its own, whose first environment has to do it
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, timeout=120, check=True)
    assert float(done.stdout) < 500  # bytes an episode; 1,534 without
