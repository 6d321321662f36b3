import numpy as np
import pytest
import torch

from rad.losses.consistency import consistency_loss
from tests.reference import ppo_losses as reference


def test_hand_computed() -> None:
    # mean divergence (0.3 + 0.1) / 2 = 0.2; ((2 - 1)^2 + (1 - 4)^2) / 2 / 2 = 2.5
    loss, metrics = consistency_loss(torch.tensor([0.3, 0.1]), torch.tensor([2.0, 1.0]), torch.tensor([1.0, 4.0]))
    assert loss.item() == pytest.approx(2.7)
    terms = {name: value.item() for name, value in metrics.items()}
    assert terms == pytest.approx({"policy_consistency": 0.2, "value_consistency": 2.5})


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_reference(seed: int) -> None:
    random = np.random.default_rng(seed)
    clean, augmented = random.dirichlet(np.ones(4), (2, 6))
    value, augmented_value = random.normal(size=(2, 6))
    kl = (clean * np.log(clean / augmented)).sum(-1)
    loss, _ = consistency_loss(*map(torch.from_numpy, (kl, value, augmented_value)))
    assert loss.item() == pytest.approx(reference.consistency_loss(clean, augmented, value, augmented_value))


def test_gradients_reach_the_divergence_and_the_augmented_value_and_not_the_clean_one() -> None:
    kl, value, augmented_value = (torch.tensor(row, requires_grad=True) for row in ([0.3, 0.1], [2.0, 1.0], [1.0, 4.0]))
    loss, metrics = consistency_loss(kl, value, augmented_value)
    loss.backward()
    torch.testing.assert_close(kl.grad, torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(augmented_value.grad, torch.tensor([-0.5, 1.5]))  # (V' - V) / B
    assert value.grad is None
    assert all(metric.dim() == 0 and not metric.requires_grad for metric in metrics.values())


def test_equal_outputs_cost_nothing() -> None:
    value = torch.tensor([2.0, 1.0])
    assert consistency_loss(torch.zeros(2), value, value)[0] == 0
