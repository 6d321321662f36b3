import pytest
import torch
from torch import nn

from rad.agents.optimizers import clipped_step


@pytest.mark.parametrize(("limit", "expected"), [(0.5, [-0.3, -0.4]), (5.0, [-3.0, -4.0]), (100.0, [-3.0, -4.0])])
def test_a_long_gradient_is_scaled_down_and_a_short_one_is_not(limit: float, expected: list[float]) -> None:
    parts = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD(parts, lr=1.0)
    norm = clipped_step(optimizer, 3 * parts[0].sum() + 4 * parts[1].sum(), limit)  # of length 5
    assert norm.item() == pytest.approx(5.0) and norm.dim() == 0 and not norm.requires_grad
    assert [part.item() for part in parts] == pytest.approx(expected, rel=1e-4)


def test_gradients_of_an_earlier_step_are_forgotten() -> None:
    value = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([value], lr=1.0)
    for _ in range(2):
        clipped_step(optimizer, value.sum(), 10.0)
    assert value.item() == -2.0
