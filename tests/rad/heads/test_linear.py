import subprocess
import sys

import pytest
import torch

from encoders.base import convolution
from rad.heads.linear import linear


def test_layers_leave_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    linear(3, 2, torch.Generator())
    convolution(3, 2, kernel=3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
@pytest.mark.parametrize(
    "made",
    [
        "from rad.heads.linear import linear; linear(3, 2, torch.Generator())",
        "from encoders.base import convolution; convolution(3, 2, kernel=3)",
    ],
    ids=["linear", "convolution"],
)
def test_no_layer_makes_torch_import_sympy(made: str) -> None:
    script = f"import sys, torch; {made}; print('sympy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
