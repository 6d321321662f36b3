import pytest
import torch

from rad.losses.diagnostics import explained_variance, inactive_units


class TestExplainedVariance:
    returns = torch.tensor([[1.0, 2.0], [3.0, 6.0]])  # variance (4 + 1 + 0 + 9) / 4 = 3.5

    @pytest.mark.parametrize(
        ("value", "explained"),
        [
            ([[1.0, 2.0], [3.0, 6.0]], 1.0),
            ([[0.0, 1.0], [2.0, 5.0]], 1.0),  # a constant error does not vary
            ([[7.0, 7.0], [7.0, 7.0]], 0.0),
            ([[1.0, 2.0], [3.0, 4.0]], 1 - 0.75 / 3.5),  # errors 0, 0, 0, 2: variance 1 - 0.25
        ],
    )
    def test_hand_computed(self, value: list[list[float]], explained: float) -> None:
        assert explained_variance(torch.tensor(value), self.returns).item() == pytest.approx(explained)

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_returns_that_are_all_alike_explain_nothing(self, value: float) -> None:
        assert explained_variance(torch.tensor([value, 0.0]), torch.zeros(2)).item() == 0.0

    def test_it_has_no_gradient(self) -> None:
        value = torch.tensor([1.0, 2.0], requires_grad=True)
        assert not explained_variance(value, torch.tensor([1.0, 3.0])).requires_grad


class TestInactiveUnits:
    def test_hand_computed(self) -> None:
        # Of four units the second and the fourth are 0 in both rows.
        features = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]], requires_grad=True)
        share = inactive_units(features)
        assert share.item() == 0.5 and share.dim() == 0 and not share.requires_grad
