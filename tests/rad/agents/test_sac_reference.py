"""The agent's whole update against the hand-written one in tests/reference/sac.py."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import augment
from rad import envs
from rad.agents.sac import SACAgent, SACConfig
from rad.buffers.replay import Replay
from rad.loops import OffPolicyState, off_policy
from rad.types import Metrics, Transition
from tests.reference.sac import Params, ReferenceConfig, ReferenceSAC

ACTION_DIM = 2
BATCH = 8
TOLERANCE = 1e-4
TIGHTER = {"target": 5e-6, "temperature": 1e-6}  # these move by less than 1e-4 in three updates
LR = 1e-3
OPTIONS: list[dict[str, Any]] = [{}, {"actor_features": "before"}, {"target_encoder": False}]
OPTIONS += [OPTIONS[1] | OPTIONS[2]]
FLOOR = 1e-6


def make_agent(
    size: int, hidden_dim: int, *, encoder: str = "pixel", action_dim: int = ACTION_DIM, **config: Any
) -> SACAgent:
    op = augment.make("none", size=size)
    settings = SACConfig(hidden_dim=hidden_dim, batch_size=BATCH, **config)
    return SACAgent((9, size, size), action_dim, settings, op, encoder=encoder, seed=3)


def make_reference(agent: SACAgent, config: ReferenceConfig) -> ReferenceSAC:
    return ReferenceSAC(*learned(agent), config)


def learned(agent: SACAgent) -> tuple[Params, Params, Params]:
    """Give the agent's convolutions, actor and critic under the reference's names."""
    return convolutions(agent.encoder), head(agent.actor, agent), head(agent.critic, agent)


def targets(agent: SACAgent) -> tuple[Params, Params]:
    return convolutions(agent.encoder_target), head(agent.critic_target, agent)


def convolutions(encoder: nn.Module) -> Params:
    layers = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    return {
        f"conv.{number}.{name}": value.detach()
        for number, layer in enumerate(layers)
        for name, value in layer.named_parameters()
    }


def head(module: nn.Module, agent: SACAgent) -> Params:
    places = {"hidden.0": "0", "hidden.2": "1", "out": "2"}
    params = {}
    for name, value in module.named_parameters():
        part, rest = name.split(".", 1)
        for ours, theirs in places.items():
            rest = rest.replace(f"{ours}.", f"{theirs}.")
        params[f"{part}.{rest}"] = value.detach()
    weight = params["projection.linear.weight"]
    params["projection.linear.weight"] = channels_first(weight, agent.encoder.map_shape)
    return params


def channels_first(weight: Tensor, map_shape: tuple[int, int, int]) -> Tensor:
    """Reorder columns from cell by cell, as the encoder gives them, to channel by channel."""
    channels, height, width = map_shape
    return weight.view(-1, height, width, channels).permute(0, 3, 1, 2).flatten(1)


def make_batch(image_shape: tuple[int, int, int], seed: int) -> Transition:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (2, BATCH, *image_shape), generator=generator, dtype=torch.uint8)
    action = torch.rand(BATCH, ACTION_DIM, generator=generator) * 2 - 1
    reward = torch.rand(BATCH, generator=generator)
    discount = torch.where(torch.arange(BATCH) == 3, 0.0, 0.99)
    return Transition(images[0], action, reward, discount, images[1])


def replayed_noise(agent: SACAgent) -> tuple[Tensor, Tensor]:
    """Draw what the agent's next update will draw, without moving its generator."""
    generator = torch.Generator()
    generator.set_state(agent.generator.get_state())
    first, second = (torch.randn(BATCH, agent.action_dim, generator=generator) for _ in range(2))
    return first, second


def update_both(agent: SACAgent, reference: ReferenceSAC, seed: int) -> tuple[Metrics, dict[str, float]]:
    return update_both_on(make_batch(agent.encoder.image_shape, seed), agent, reference)


def update_both_on(batch: Transition, agent: SACAgent, reference: ReferenceSAC) -> tuple[Metrics, dict[str, float]]:
    noise = replayed_noise(agent)
    whole = batch.built()
    obs, next_obs = whole.obs.float() / 255, whole.next_obs.float() / 255
    theirs = reference.update(obs, batch.action, batch.reward, batch.discount, next_obs, *noise)
    return agent.update(batch), theirs


def assert_losses_agree(ours: Metrics, theirs: dict[str, float]) -> None:
    for name, loss in theirs.items():
        assert ours[name].item() == pytest.approx(loss, abs=TOLERANCE), name


def distances(agent: SACAgent, reference: ReferenceSAC) -> dict[str, Tensor]:
    """Give |agent - reference| of every learned and every target parameter."""
    ours = {"learned": learned(agent), "target": targets(agent)}
    target_conv = reference.conv_target if reference.config.target_encoder else reference.conv
    theirs = {
        "learned": (reference.conv, reference.actor, reference.critic),
        "target": (target_conv, reference.critic_target),
    }
    distances = {"temperature": (agent.log_alpha - reference.temperature["log_alpha"]).detach().abs()}
    for kind, groups in ours.items():
        for number, (mine, other) in enumerate(zip(groups, theirs[kind], strict=True)):
            assert mine.keys() == other.keys()
            distances |= {f"{kind} {number} {name}": (mine[name] - other[name].detach()).abs() for name in mine}
    return distances


def tolerance(name: str) -> float:
    return TIGHTER.get(name.split()[0], TOLERANCE)


def disagreements(agent: SACAgent, reference: ReferenceSAC, number: int) -> list[str]:
    """Name the parameters that differ by more than the tolerance after update `number`, counted from 0.

    Some gradients are nothing but rounding, about 1e-9. Adam divides a gradient by its own size, so those few may
    step either way, by the learning rate each time, on one processor and not on another. One number in ten thousand
    may do so, and in each parameter one number beside the mean.
    """
    apart, stray = distances(agent, reference), 2 * LR * (number + 1)
    everything = torch.cat([distance.flatten() for distance in apart.values()])
    names = ["too many numbers"] if (everything > TOLERANCE).float().mean() > 1e-4 else []
    for name, distance in apart.items():
        if distance.sum() > distance.numel() * tolerance(name) / 10 + stray or distance.max() > stray:
            names.append(name)
    return names


def test_every_parameter_agrees_over_three_updates():
    updates_agree({})


def test_with_the_published_floor_they_agree_where_actions_saturate():
    """Without it, only the reference has no gradient there: its actor is left behind by far more than the tolerance."""
    apart = {}
    for floor in (0.0, FLOOR):
        agent = make_agent(size=32, hidden_dim=64, tanh_floor=floor)
        with torch.no_grad():
            agent.actor.mlp.out.bias[:ACTION_DIM] = 12.0  # the mean before the squashing
        reference = make_reference(agent, ReferenceConfig())
        update_both(agent, reference, 0)
        apart[floor] = max(
            value.max().item() for name, value in distances(agent, reference).items() if "learned 1" in name
        )
    assert apart[FLOOR] < 1e-5 < TOLERANCE < apart[0.0]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS[1:])
def test_so_they_do_with_other_options(options: dict[str, Any]):
    updates_agree(options)


def updates_agree(options: dict[str, Any]) -> None:
    agent = make_agent(size=32, hidden_dim=64, **options)
    reference = make_reference(agent, ReferenceConfig(**options))
    for number in range(3):
        ours, theirs = update_both(agent, reference, seed=number)
        assert ("actor_loss" in theirs) == ("actor_loss" in ours) == (number != 1)
        assert_losses_agree(ours, theirs)
        assert disagreements(agent, reference, number) == []


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS[1:])
def test_the_tolerance_tells_the_options_from_the_published_update(options: dict[str, Any]):
    agent = make_agent(size=32, hidden_dim=64, **options)
    published = make_reference(agent, ReferenceConfig())
    for number in range(3):
        update_both(agent, published, seed=number)
    assert disagreements(agent, published, 2)


@pytest.mark.slow
def test_every_parameter_agrees_with_strides():
    strides = (2, 2, 2, 1)
    agent = make_agent(size=48, hidden_dim=64, encoder="pixel:strides=2-2-2-1")
    reference = make_reference(agent, ReferenceConfig(strides=strides))
    for number in range(3):
        assert_losses_agree(*update_both(agent, reference, seed=number))
        assert disagreements(agent, reference, number) == []


class Both:
    """Acts as the agent does, and updates agent and reference on each batch of the loop."""

    def __init__(self, agent: SACAgent, reference: ReferenceSAC) -> None:
        self.agent, self.reference, self.updates = agent, reference, 0

    def act(self, obs: np.ndarray, *, deterministic: bool) -> np.ndarray:
        return self.agent.act(obs, deterministic=deterministic)

    def update(self, batch: Transition) -> Metrics:
        ours, theirs = update_both_on(batch, self.agent, self.reference)
        assert_losses_agree(ours, theirs)
        assert disagreements(self.agent, self.reference, self.updates) == []
        self.updates += 1
        return ours


@pytest.mark.slow
def test_every_parameter_agrees_in_a_loop_with_half_an_update_per_step():
    agent = make_agent(size=32, hidden_dim=64, action_dim=1)
    both = Both(agent, make_reference(agent, ReferenceConfig()))
    env = envs.make("probe/both", num_envs=1, seed=1, image_size=32, frame_stack=3)
    replay = Replay(40, (9, 32, 32), 1, gamma=0.99)
    progress = OffPolicyState(torch.Generator().manual_seed(0))
    loop = off_policy(env, both, replay, progress, batch_size=BATCH, warmup_steps=4, updates_per_step=0.5)
    reports = list(itertools.islice(loop, 10))
    assert [len(report.updates) for report in reports] == [0, 0, 0, 0, 0, 1, 0, 1, 0, 1]
    assert both.updates == both.reference.updates == 3


@pytest.mark.slow
def test_the_published_size_agrees_over_three_updates():
    agent = make_agent(size=84, hidden_dim=1024)
    reference = make_reference(agent, ReferenceConfig())
    for number in range(3):
        assert_losses_agree(*update_both(agent, reference, seed=number))
        assert disagreements(agent, reference, number) == []


@pytest.mark.slow
def test_parameters_move_more_than_the_tolerance():
    """Otherwise the comparison would pass whatever the updates do."""
    agent = make_agent(size=32, hidden_dim=64)
    untouched = make_reference(agent, ReferenceConfig())
    for number in range(3):
        agent.update(make_batch(agent.encoder.image_shape, number))
    for name, distance in distances(agent, untouched).items():
        assert distance.max() > 2 * tolerance(name), name
