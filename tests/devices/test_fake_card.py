"""Acting, updates and augmentations on a fake CUDA device: one device, and nothing that makes the host wait."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

import augment
from rad.agents.base import Agent
from rad.agents.device.draws import upload
from rad.buffers.replay import Replay
from rad.buffers.rollout import RolloutBuffer
from tests.devices.fake_card import CARD, fake_card
from tests.rad.agents import small, small_ppo

Case = tuple[dict[str, Any], int]
"""Options of an agent, and how many tensors an update sends to the card at most."""

BF16_CURL = {"precision": "bf16", "auxiliary_loss": "curl:dim=8"}
SAC: dict[str, dict[str, Any]] = {
    "rad": {},
    "frames-on-host": {"frames_on": "cpu"},
    "drq": {"op": "shift", "target_views": 2, "critic_views": 2},
    "drq-shared-before": {"target_views": 2, "critic_views": 2, "share_draw": True, "actor_features": "before"},
    "svea": {"strong_augment": "random_conv"},
    "color": {"op": "crop+color_jitter"},
    "translate-cutout": {"op": "translate+cutout:min_px=2:max_px=6"},
    "no-target-encoder-frozen": {"target_encoder": False, "freeze_augment": True},
    "bf16-curl": BF16_CURL,
}
OF_A_ROLLOUT = 7  # orders, and what is stored on the host or computed there
PPO: dict[str, Case] = {  # for each minibatch; a crop is 2
    "clip-bandit": ({"op": "ucb:shift,flip"}, 0),
    "kl": ({"objective": "kl"}, 0),
    "clip-consistency": ({"augment_where": "consistency", "discrete": False, "anneal_lr": True}, 4),
    "kl-consistency-bf16-curl": ({"objective": "kl", "augment_where": "consistency", **BF16_CURL}, 8),
}
SHORT = {"num_steps": 2, "num_minibatches": 2, "num_epochs": 1}


def on_card(agent: Agent) -> bool:
    modules = [part for part in vars(agent).values() if isinstance(part, torch.nn.Module)]
    return all(value.device == CARD for module in modules for value in module.parameters())


def observations(agent: Agent) -> np.ndarray:
    return np.zeros((3, *agent.image_shape), np.uint8)


@pytest.mark.parametrize("options", SAC.values(), ids=SAC)
def test_sac_sends_one_block_and_waits_for_nothing(options: dict[str, Any]) -> None:
    options = dict(options)
    frames_on = options.pop("frames_on", CARD)
    with fake_card() as traffic:
        agent = small.small_agent(device=CARD, **options)
        assert on_card(agent)
        for _ in range(2):  # with and without a step of the actor
            batch = small.small_stacks(options.get("op", "crop"), device=frames_on)
            traffic.reset()
            row = agent.update(batch)
            assert (traffic.uploads, traffic.downloads) == (1, 0)
            assert {value.device for value in row.values()} == {CARD}
        for deterministic in (True, False):
            agent.act(observations(agent), deterministic=deterministic)
        assert traffic.downloads == 2


@pytest.mark.parametrize(("options", "uploads"), PPO.values(), ids=PPO)
def test_ppo_learns_and_acts_without_waiting_for_the_card(options: dict[str, Any], uploads: int) -> None:
    with fake_card() as traffic:
        agent = small_ppo.small_agent(device=CARD, **SHORT, **options)
        assert on_card(agent)
        rollout = small_ppo.small_rollout(agent)
        traffic.reset()
        agent.update(rollout)
        assert traffic.downloads == 0 and traffic.uploads <= OF_A_ROLLOUT + uploads * SHORT["num_minibatches"]
        obs = observations(agent)
        for deterministic in (True, False):
            agent.act(obs, deterministic=deterministic)
        assert traffic.downloads == 2


@pytest.mark.parametrize(
    "options", [{}, {"discrete": False}, {"op": "crop+random_conv"}, {"precision": "bf16"}], ids=str
)
def test_a_step_of_ppo_is_one_upload_and_one_download(options: dict[str, Any]) -> None:
    with fake_card() as traffic:
        agent = small_ppo.small_agent(device=CARD, **options)
        buffer = RolloutBuffer(2, 3, agent.image_shape, device=CARD)
        agent.begin_rollout(3)
        assert traffic.downloads == 0
        for step in range(2):
            for envs in (slice(0, 2), slice(2, 3)):
                traffic.reset()
                actor_step = agent.actor_step(buffer.upload(step, envs), step, envs)
                assert (traffic.uploads, traffic.blocking, traffic.downloads) == (1, 0, 1)
                assert {part.device.type for part in actor_step} == {"cpu"}


def filled_replay(steps: int = 7) -> Replay:
    """Return a replay of episodes of three steps, its frames black, on the host."""
    replay = Replay(20, (9, 4, 4), 2, num_envs=2, gamma=0.9)
    black = torch.zeros(9, 4, 4, dtype=torch.uint8)
    for step in range(steps):
        for env in range(2):
            store(replay, env, black, begin=step % 4 == 0)
    return replay


def store(replay: Replay, env: int, obs: Tensor, *, begin: bool = False) -> None:
    if begin:
        replay.start(env, obs)
    else:
        replay.add(env, torch.zeros(2), 1.0, obs, terminated=False, truncated=False)


def test_a_frame_is_sent_once_and_sampling_sends_nothing() -> None:
    replay, generator = filled_replay(), torch.Generator().manual_seed(0)
    obs = torch.zeros(9, 4, 4, dtype=torch.uint8)
    with fake_card() as traffic:
        replay.frames = replay.frames.to(CARD)
        for begin in (True, False):
            traffic.reset()
            store(replay, 0, obs, begin=begin)
            assert (traffic.uploads, traffic.downloads) == (1, 0)
        traffic.reset()
        with _disable_current_modes():  # draws and small arrays are real, as on any host
            batch = replay.sample(5, generator)
        assert (traffic.uploads, traffic.downloads) == (0, 0)
        assert batch.obs.device == CARD and batch.obs.index.device.type == "cpu"
        moved = upload(batch, CARD)
        assert (traffic.uploads, traffic.downloads) == (1, 0)
        assert moved.obs.images.shape == (5, 9, 4, 4) and moved.obs.images.device == CARD
        assert moved.obs.frames is batch.obs.frames


@pytest.mark.parametrize("spec", augment.names())
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_augmentations_stay_on_the_card(spec: str, layout: torch.memory_format) -> None:
    op, side = augment.make(spec, 36), augment.make(spec, 36).input_size(36, 36)
    images = torch.zeros(4, 6, *side, dtype=torch.uint8)
    op.draw(images.shape)
    with fake_card() as traffic:
        pixels = images.to(CARD).contiguous(memory_format=layout)
        out = op(pixels if op.takes_bytes else pixels.float(), torch.Generator())
        assert out.device == CARD and traffic.downloads == 0


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda x: x.sum().item(), "_local_scalar_dense"),
        (lambda x: bool(x.sum() > 0), "_local_scalar_dense"),
        (lambda x: x[x > 0], "nonzero"),
        (lambda x: x.nonzero(), "nonzero"),
        (lambda x: x.masked_select(x > 0), "masked_select"),
        (lambda x: torch.equal(x, x), "equal"),
        (lambda x: x + torch.ones(3), "at least two devices, cuda:0 and cpu"),
        (lambda x: x.numpy(), "can't convert cuda:0 device type tensor"),
    ],
)
def test_what_a_card_refuses_or_waits_for_is_an_error(wrong: Callable[[Tensor], object], error: str) -> None:
    with fake_card(), pytest.raises((RuntimeError, TypeError, NotImplementedError), match=error):
        wrong(torch.ones(3, device=CARD))
