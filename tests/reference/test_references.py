"""The references against each other and against torch: two ways of writing one update must agree."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.reference.sac import Adam, Params, ReferenceConfig, ReferenceSAC
from tests.reference.sac_eager import EagerSAC, StackReplay, random_crop

SIZES = ((9, 32, 32), 2)


def named(module: nn.Module, renamed: dict[str, str]) -> Params:
    """Give a module's parameters under the names of tests/reference/sac.py."""
    params = {}
    for name, value in module.named_parameters():
        for ours, theirs in renamed.items():
            name = name.replace(ours, theirs)
        params[name] = value.detach()
    return params


def reference_of(eager: EagerSAC, config: ReferenceConfig) -> ReferenceSAC:
    projection = {"encoder.norm.": "projection.norm.", "encoder.projection.": "projection.linear."}
    layers = {f"{part}.{2 * i}.": f"{part}.{i}." for part in ("trunk", "q1", "q2") for i in range(3)}
    actor = named(eager.actor, projection | layers | {"trunk.": "mlp."})
    critic = named(eager.critic, projection | layers)
    conv = {name.replace("encoder.convs.", "conv."): value for name, value in critic.items() if "convs" in name}
    heads = ({name: value for name, value in head.items() if "convs" not in name} for head in (actor, critic))
    return ReferenceSAC(conv, *heads, config)


def batch(seed: int) -> tuple[Tensor, ...]:
    torch.manual_seed(seed)
    obs, next_obs = torch.rand(2, 8, *SIZES[0])
    return obs, torch.rand(8, 2) * 2 - 1, torch.rand(8), torch.full((8,), 0.99), next_obs


def make_eager() -> EagerSAC:
    torch.manual_seed(0)
    return EagerSAC(*SIZES, projection_dim=10, hidden_dim=32)


def test_the_eager_baseline_computes_the_reference_update():
    eager = make_eager()
    reference = reference_of(eager, ReferenceConfig())
    for number in range(4):
        values = batch(number)
        torch.manual_seed(100 + number)
        noise = torch.randn(8, 2), torch.randn(8, 2)
        theirs = reference.update(*values, *noise)
        torch.manual_seed(100 + number)
        ours = eager.update(*values)
        assert ours == pytest.approx(theirs, abs=1e-4)
    now = reference_of(eager, ReferenceConfig())
    for ours, theirs in ((now.conv, reference.conv), (now.actor, reference.actor), (now.critic, reference.critic)):
        for name in theirs:
            torch.testing.assert_close(ours[name], theirs[name], atol=1e-4, rtol=0)
    target = eager.critic_target.encoder.projection.weight
    torch.testing.assert_close(target, reference.critic_target["projection.linear.weight"], atol=1e-4, rtol=0)


def test_the_actor_may_read_features_from_before_the_critics_step():
    eager, values, noise = make_eager(), batch(0), torch.randn(2, 8, 2)
    after, before = (reference_of(eager, ReferenceConfig(actor_features=when)) for when in ("after", "before"))
    losses_after, losses_before = after.update(*values, *noise), before.update(*values, *noise)
    assert losses_after["critic_loss"] == losses_before["critic_loss"]
    assert losses_after["actor_loss"] != losses_before["actor_loss"]


def test_adam_is_torchs():
    torch.manual_seed(0)
    ours, theirs = {"x": torch.ones(5, requires_grad=True)}, torch.ones(5, requires_grad=True)
    adam, optimizer = Adam(ours, 0.1, (0.5, 0.999)), torch.optim.Adam([theirs], 0.1, (0.5, 0.999))
    for _ in range(5):
        theirs.grad = torch.randn(5)
        adam.step({"x": theirs.grad})
        optimizer.step()
    torch.testing.assert_close(ours["x"], theirs)


def test_the_baselines_replay_returns_crops_of_what_was_added():
    replay = StackReplay(3, (1, 6, 6), 1, seed=0)
    for number in range(4):  # the first is overwritten
        image = np.full((1, 6, 6), 10 * number, np.uint8)
        replay.add(image, np.array([number]), float(number), 0.99, image + 1)
    obs, action, reward, _, next_obs = replay.sample(50, 4)
    assert obs.shape == next_obs.shape == (50, 1, 4, 4)
    assert set(reward.tolist()) == {1.0, 2.0, 3.0}
    torch.testing.assert_close(obs[:, 0, 0, 0] * 255, 10 * reward)
    torch.testing.assert_close((next_obs - obs) * 255, torch.ones_like(obs))
    torch.testing.assert_close(action[:, 0], reward)


def test_crops_are_windows_of_the_image_and_differ():
    image = np.arange(36, dtype=np.uint8).reshape(1, 1, 6, 6).repeat(40, 0)
    corners = random_crop(image, 4, np.random.default_rng(0))[:, 0, 0, 0]
    assert set(corners.tolist()) == {6 * top + left for top in range(3) for left in range(3)}
