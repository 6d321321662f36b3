import doctest

import pytest

from rad.report.read import groups
from rad.report.stats import aggregates, bootstrap, comparisons, published, scores


@pytest.mark.parametrize("module", [groups, aggregates, comparisons, published, scores, bootstrap])
def test_examples_of_docstrings_run(module) -> None:
    failed, tried = doctest.testmod(module)
    assert tried and not failed
