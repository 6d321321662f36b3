import subprocess
import sys

import pytest
import torch
from torch import nn

from rad.agents.optimizers import Adam, clipped_step

COMPILER_IS_NOT_LOADED = """
import sys, torch
from rad.agents.optimizers import Adam
weight = torch.nn.Parameter(torch.ones(1))
optimizer = Adam([weight], fused=True)
optimizer.zero_grad()
weight.sum().backward()
optimizer.step()
optimizer.load_state_dict(optimizer.state_dict())
assert not {"torch._dynamo", "triton"} & set(sys.modules)
"""


def three_steps(kind: type[torch.optim.Adam]) -> torch.Tensor:
    """Take steps, each with another optimizer that goes on with the state of the one before; return the weights."""
    weights, state = nn.Parameter(torch.linspace(-1, 1, 8)), None
    for number in range(3):
        optimizer = kind([weights], lr=0.1, betas=(0.5, 0.99), eps=1e-4, fused=True)
        if state:
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        ((weights - number) ** 4).sum().backward()
        optimizer.step()
        state = optimizer.state_dict()
    assert weights.requires_grad and weights.is_leaf
    return weights.detach()


def test_adam_is_that_of_torch() -> None:
    assert torch.equal(three_steps(Adam), three_steps(torch.optim.Adam))


@pytest.mark.slow
def test_adam_does_not_load_the_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", COMPILER_IS_NOT_LOADED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("limit", "expected"), [(0.5, [-0.3, -0.4]), (5.0, [-3.0, -4.0]), (100.0, [-3.0, -4.0])])
def test_a_long_gradient_is_scaled_down_and_a_short_one_is_not(limit: float, expected: list[float]) -> None:
    parts = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD(parts, lr=1.0)
    norm = clipped_step(optimizer, limit, 3 * parts[0].sum(), 4 * parts[1].sum())  # of length 5
    assert norm.item() == pytest.approx(5.0) and norm.dim() == 0 and not norm.requires_grad
    assert [part.item() for part in parts] == pytest.approx(expected, rel=1e-4)


def test_gradients_of_an_earlier_step_are_forgotten() -> None:
    value = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([value], lr=1.0)
    for _ in range(2):
        clipped_step(optimizer, 10.0, value.sum())
    assert value.item() == -2.0
