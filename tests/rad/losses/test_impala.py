import pytest
import torch

from rad.losses.impala import policy_gradient_loss


def test_hand_computed() -> None:
    loss, metrics = policy_gradient_loss(torch.tensor([-1.0, -2.0]), torch.tensor([3.0, -0.5]))
    # -(-1 * 3 + -2 * -0.5) / 2 = 1
    assert float(loss) == pytest.approx(1.0) == float(metrics["policy_loss"])


def test_the_policy_alone_receives_a_gradient() -> None:
    log_prob, advantage = (torch.tensor(row, requires_grad=True) for row in ([-1.0, -2.0], [3.0, -0.5]))
    policy_gradient_loss(log_prob, advantage)[0].backward()
    torch.testing.assert_close(log_prob.grad, torch.tensor([-1.5, 0.25]))
    assert advantage.grad is None
