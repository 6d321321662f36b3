"""What every agent keeps to: shapes, random numbers, metrics, state, and how it is made.

To add one, put a `Case` for each of its kinds into CASES, and its class into AGENTS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import augment
import encoders
from rad.agents.base import Agent
from rad.agents.impala import IMPALAAgent, IMPALAConfig
from rad.agents.ppo import PPOAgent, PPOConfig
from rad.agents.sac import SACAgent, SACConfig
from rad.attention.faithfulness import randomized
from rad.experiment.algorithms import ALGORITHMS
from rad.types import Metrics
from tests.rad.agents import small, small_impala, small_ppo
from tests.rad.runtime.checkpoint.nested import as_saved, same


@dataclass(frozen=True)
class Case:
    """One kind of agent.

    make: a small agent; takes the constructor's options, `op` and hyperparameters.
    data: what its update learns from, by agent and seed.
    options: hyperparameters and options of this kind.
    single: hyperparameters with which losses are computed on a batch of one.
    action: shape of an action, and its type.
    """

    make: Callable[..., Any]
    data: Callable[[Any, int], Any]
    options: dict[str, Any]
    single: dict[str, Any]
    action: tuple[tuple[int, ...], type]


def sac(**options: Any) -> Case:
    def data(agent: SACAgent, seed: int) -> Any:
        return small.small_batch(seed=seed, size=agent.config.batch_size)

    return Case(small.small_agent, data, options, {"batch_size": 1}, ((small.ACTIONS,), np.float32))


def ppo(**options: Any) -> Case:
    action = ((), np.int64) if options.get("discrete", True) else ((small_ppo.ACTIONS,), np.float32)
    single = {"num_minibatches": small_ppo.ENVS * small_ppo.SIZES["num_steps"], "num_epochs": 1}
    return Case(small_ppo.small_agent, small_ppo.small_rollout, options, single, action)


def impala(**options: Any) -> Case:
    action = ((), np.int64) if options.get("discrete", True) else ((small_impala.ACTIONS,), np.float32)
    return Case(small_impala.small_agent, small_impala.small_trajectory, options, {"num_steps": 1}, action)


CASES = {
    "sac": sac(),
    "sac-frozen": sac(freeze_augment=True),
    "sac-strong": sac(strong_augment="random_conv", critic_views=2, target_views=2),
    "sac-curl": sac(auxiliary_loss="curl:dim=8"),
    "ppo": ppo(),
    "ppo-continuous": ppo(discrete=False, objective="kl", anneal_lr=True),
    "ppo-consistency": ppo(op="crop+color_jitter", augment_where="consistency"),
    "ppo-curl": ppo(auxiliary_loss="curl:dim=8"),
    "impala": impala(),
    "impala-continuous": impala(op="crop+color_jitter", discrete=False, optimizer="adam", rho_clip=2.0),
    "impala-curl": impala(auxiliary_loss="curl:dim=8"),
}
HEALTH = {"explained_variance", "target_std", "inactive_units"}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def make(case: Case, **options: Any) -> Agent:
    agent: Agent = case.make(**(case.options | options))
    return agent


def learn(case: Case, agent: Agent, count: int = 2, first: int = 0) -> list[Metrics]:
    learner: Any = agent
    return [learner.update(case.data(agent, first + number)) for number in range(count)]


def observations(agent: Agent, count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *agent.image_shape), dtype=np.uint8)


def weights(agent: Agent) -> Tensor:
    return small.flat(*(part for part in vars(agent).values() if isinstance(part, torch.nn.Module)))


def test_every_algorithm_has_a_case() -> None:
    assert {name.split("-")[0] for name in CASES} == AGENTS.keys() == ALGORITHMS.keys()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("deterministic", [True, False])
def test_actions_have_the_shape_and_type_of_the_space(case: Case, count: int, deterministic: bool) -> None:
    agent, (shape, kind) = make(case), case.action
    action = agent.act(observations(agent, count), deterministic=deterministic)
    assert action.shape == (count, *shape) and action.dtype == kind


def test_the_mode_is_repeatable_and_draws_nothing(case: Case) -> None:
    agent = make(case)
    obs, state = observations(agent), as_saved(agent.state_dict())
    first = agent.act(obs, deterministic=True)
    assert np.array_equal(agent.act(obs, deterministic=True), first)
    assert np.array_equal(agent.act(obs, deterministic=True, generator=torch.Generator().manual_seed(5)), first)
    assert same(as_saved(agent.state_dict()), state)


def test_a_sample_draws_from_the_generator_given_or_from_the_agents(case: Case) -> None:
    agent = make(case)
    obs, state = observations(agent, 20), as_saved(agent.state_dict())
    first, again, other = (
        agent.act(obs, deterministic=False, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert same(as_saved(agent.state_dict()), state)
    agent.act(obs, deterministic=False)
    assert not torch.equal(agent.generator.get_state(), state["generator"])


def test_evaluation_does_not_disturb_training(case: Case) -> None:
    watched, left_alone = make(case), make(case)
    obs, generator = observations(watched), torch.Generator().manual_seed(9)
    for number in range(2):
        watched.act(obs, deterministic=True)
        watched.act(obs, deterministic=False, generator=generator)
        assert same(learn(case, watched, 1, number), learn(case, left_alone, 1, number))
    assert same(watched.state_dict(), left_alone.state_dict())


def test_metrics_are_detached_scalars_and_tell_the_state_of_learning(case: Case) -> None:
    for row in learn(case, make(case)):
        assert row.keys() >= HEALTH and any(name.endswith("grad_norm") for name in row)
        assert all(value.dim() == 0 and not value.requires_grad for value in row.values())
        assert all(value.dtype == torch.float32 and value.isfinite() for value in row.values())


def test_all_networks_learn_from_a_batch_of_one(case: Case) -> None:
    agent = make(case, **case.single)
    before = weights(agent)
    rows = learn(case, agent, 1)
    assert not torch.equal(weights(agent), before) and weights(agent).isfinite().all()
    assert all(value.isfinite() for row in rows for value in row.values())


def test_the_global_random_state_is_neither_read_nor_changed(case: Case) -> None:
    results = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        state = torch.get_rng_state()
        agent = make(case)
        learn(case, agent)
        agent.act(observations(agent), deterministic=False)
        results.append(weights(agent))
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*results)


def test_a_seed_decides_weights_actions_and_draws(case: Case) -> None:
    agents = [make(case, seed=seed) for seed in (1, 1, 2)]
    rows = [learn(case, agent) for agent in agents]
    assert same(rows[0], rows[1]) and torch.equal(weights(agents[0]), weights(agents[1]))
    assert not torch.equal(weights(agents[0]), weights(agents[2]))


@pytest.mark.slow
def test_a_restored_agent_goes_on_bit_for_bit(case: Case) -> None:
    original, restored = make(case, seed=1), make(case, seed=2)
    learn(case, original, 3)
    learn(case, restored, 1)
    restored.load_state_dict(as_saved(original.state_dict()))
    assert same(learn(case, restored, 2, 50), learn(case, original, 2, 50))
    assert same(restored.state_dict(), original.state_dict())
    sampled = [agent.act(observations(agent), deterministic=False) for agent in (original, restored)]
    assert np.array_equal(*sampled)


def test_heads_and_encoder_are_all_that_its_targets_depend_on(case: Case) -> None:
    agent, fresh = make(case, seed=1), make(case, seed=2)
    assert {*agent.heads, "encoder"} <= {*agent.parts}
    images = agent.views.eval_view(torch.from_numpy(observations(agent)))
    *_, (_, changed) = randomized(agent, fresh)
    for name in fresh.targets():
        seen = [one.target(name).vector(one.encoder(images)) for one in (changed, fresh, agent)]
        assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])


def test_bf16_computes_the_convolutions_in_bfloat16_and_all_else_as_float32(case: Case) -> None:
    agent, types = make(case, precision="bf16"), []
    agent.encoder.register_forward_hook(lambda _, __, out: types.append(out.dtype))
    rows = learn(case, agent)
    assert set(types) == {torch.bfloat16}
    assert all(value.dtype == torch.float32 for row in rows for value in row.values())
    assert weights(agent).dtype == torch.float32 and weights(agent).isfinite().all()
    exact = learn(case, make(case), 1)[0]
    for name in exact.keys() & {"critic_loss", "target", "value_loss", "value", "entropy"}:
        torch.testing.assert_close(rows[0][name], exact[name], atol=0.05, rtol=0.05)


AGENTS = {
    "sac": (SACAgent, SACConfig(hidden_dim=16), {}),
    "ppo": (PPOAgent, PPOConfig(hidden_dim=16), {"discrete": True}),
    "impala": (IMPALAAgent, IMPALAConfig(hidden_dim=16), {"discrete": True, "total_updates": 4}),
}


@pytest.fixture(params=AGENTS)
def construct(request: pytest.FixtureRequest) -> Callable[..., Agent]:
    kind, config, more = AGENTS[request.param]
    options = {"encoder": "pixel:num_layers=2:num_filters=4"}
    return lambda augmentation, **given: kind((3, 20, 20), 2, config, augmentation, **(options | more | given))


def test_an_encoder_is_a_text_or_an_object(construct: Callable[..., Agent]) -> None:
    spec, op = "pixel:num_layers=2:num_filters=4", augment.make("crop", 16)
    encoder = encoders.make(spec, (3, 16, 16), generator=torch.Generator().manual_seed(0))
    assert construct(op, encoder=encoder).encoder is encoder
    assert torch.equal(small.flat(encoder), small.flat(construct(op, encoder=spec).encoder))
    with pytest.raises(
        ValueError, match=r"^encoder must take augmented images \(3, 20, 20\), got one for \(3, 16, 16\)"
    ):
        construct(augment.make("none"), encoder=encoder)


def test_an_augmentation_is_an_object_or_some_by_name(construct: Callable[..., Agent]) -> None:
    op = augment.make("crop", 16)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, 20, 20), dtype=np.uint8))
    assert torch.equal(construct(op).views(images), construct({"crop": op}).views(images))
    with pytest.raises(ValueError, match=r"^augmentation must be one or several by name, got none"):
        construct({})


def test_an_auxiliary_loss_changes_neither_initial_weights_nor_actions(construct: Callable[..., Agent]) -> None:
    plain, helped = (construct(augment.make("none"), auxiliary_loss=spec) for spec in ("none", "curl"))
    assert torch.equal(weights(plain), weights(helped))
    obs = observations(plain)
    assert np.array_equal(plain.act(obs, deterministic=False), helped.act(obs, deterministic=False))
    with pytest.raises(ValueError, match="unknown auxiliary loss 'crul'; known: curl"):
        construct(augment.make("none"), auxiliary_loss="crul")
