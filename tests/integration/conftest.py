"""Whole runs take seconds each: all of them are slow, and most of them leave out their figures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.runs import without_figures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def quick_figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave out the figures of the runs of each test, but for those that ask for the fixture `figures`."""
    if "figures" in request.fixturenames:
        yield
        return
    with without_figures():
        yield


@pytest.fixture
def figures() -> None:
    """Let the runs of a test draw."""
