"""What other libraries compute is what the plain eager version computes, as far as they let us."""

import dataclasses
import importlib

import pytest
import torch

import encoders
from scripts.bench import compared, ppo, sac
from scripts.bench.compared.networks import convolutions, projected

NAMES = ["pixel", "pixel:strides=2-2-2-1", "nature", "impala"]
TINY = sac.Job(batch_size=4, action_dim=1, hidden_dim=8, transitions=20, side_px=44, crop_px=40, warmup=1, pairs=1)


@pytest.mark.parametrize("name", NAMES)
def test_the_plain_encoders_have_the_shapes_of_ours(name: str) -> None:
    ours = encoders.make(name, (9, 64, 64), generator=torch.Generator())
    theirs = projected((9, 64, 64), name)
    assert theirs.convolve(torch.zeros(2, 9, 64, 64)).shape == (2, ours.feature_dim)
    shapes = [[tuple(value.shape) for value in module.parameters()] for module in (ours, convolutions(name)(9))]
    assert shapes[0] == shapes[1]
    strides = [[part.stride for part in module.modules() if hasattr(part, "stride")] for module in (ours, theirs)]
    assert strides[0] == strides[1]


def test_versions_are_those_installed_or_say_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(compared.LIBRARIES, "missing", ("no_such_module", ("no-such-distribution",)))
    versions = compared.versions()
    assert versions["numpy"] == importlib.import_module("numpy").__version__
    assert versions["no-such-distribution"] == "not installed"
    assert not compared.installed("missing")
    assert compared.installed("eager")


@pytest.mark.parametrize("encoder", ["pixel", "impala"])
def test_the_eager_version_learns_with_each_encoder(encoder: str) -> None:
    assert sac.work(dataclasses.replace(TINY, side="eager", encoder=encoder))["ms"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["pixel", "impala"])
def test_torchrl_moves_every_network_with_as_many_weights_as_the_eager_version(encoder: str) -> None:
    pytest.importorskip("torchrl", reason="in the extra bench alone")
    from tests.reference.sac_eager import EagerSAC, StackReplay

    torch_rl = importlib.import_module("scripts.bench.compared.torchrl_sac")
    replay = StackReplay(20, (9, 44, 44), 1)
    for step in importlib.import_module("scripts.bench.stream").random_steps(20, 1, side_px=44):
        replay.add(step.obs, step.action, step.reward, 0.99, step.next_obs)
    agent = torch_rl.TorchRLSAC(replay, 40, encoder, 1, 8, 4)
    optimizers = [agent.critic_optimizer, agent.actor_optimizer, agent.alpha_optimizer]
    learned = [value for optimizer in optimizers for group in optimizer.param_groups for value in group["params"]]
    before = [value.detach().clone() for value in learned]
    agent.update()
    assert all((old != new).any() for old, new in zip(before, learned))
    eager = EagerSAC((9, 40, 40), 1, hidden_dim=8, convolutions=convolutions(encoder))
    theirs = [*eager.critic.parameters(), *eager.actor_head(), eager.log_alpha]
    assert sum(value.numel() for value in learned) == sum(value.numel() for value in theirs)
    old = [value.clone() for value in agent.target.parameters()]
    agent.update()  # of the critic alone
    assert all((a == b).all() for a, b in zip(old, agent.target.parameters()))
    agent.update()
    assert any((a != b).any() for a, b in zip(old, agent.target.parameters()))


@pytest.mark.slow
def test_stable_baselines3_has_the_encoder_and_the_heads_of_rad() -> None:
    pytest.importorskip("stable_baselines3", reason="in the extra bench alone")
    sb3 = importlib.import_module("scripts.bench.compared.sb3")
    model = sb3.sac(sb3.Spaces((9, 40, 40), 1), "pixel", 4, 20, 8)
    body = sum(value.numel() for value in projected((9, 40, 40), "pixel").parameters())
    assert sum(value.numel() for value in model.critic.features_extractor.parameters()) == body
    eager = importlib.import_module("tests.reference.sac_eager").EagerCritic((9, 40, 40), 1, 50, 8)
    assert sum(p.numel() for p in model.critic.parameters()) == sum(p.numel() for p in eager.parameters())
    sb3.sac_update(40, "pixel", 1, 8, 4, 20)()


@pytest.mark.slow
@pytest.mark.parametrize("side", list(compared.LIBRARIES))
def test_ppo_of_another_library_collects_and_learns(side: str) -> None:
    pytest.importorskip(compared.LIBRARIES[side][0], reason="in the extra bench alone")
    pytest.importorskip("Box2D", reason="in the extra gym")
    job = ppo.Job(side, "gym/LunarLander-v3", num_envs=2, num_steps=2, num_minibatches=1, num_epochs=1, rollouts=1)
    seconds = ppo.work(job)
    assert tuple(seconds) == (*ppo.PARTS, "whole")
    assert all(value > 0 for value in seconds.values())
    assert sum(seconds[part] for part in ppo.PARTS) <= seconds["whole"]
