import doctest

import pytest

from rad.report import aggregates, comparisons, published, scores, statistics


@pytest.mark.parametrize("module", [aggregates, comparisons, published, scores, statistics])
def test_examples_of_docstrings_run(module) -> None:
    failed, tried = doctest.testmod(module)
    assert tried and not failed
