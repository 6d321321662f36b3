"""How the agent's update is wired: who learns from what, when, and what each option changes.

That a whole update computes the right numbers is shown against a reference in another file.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rad.agents.sac import SACAgent, SACConfig
from rad.buffers.replay import Replay
from rad.types import Transition
from tests.rad.agents.small import ACTIONS, FRAMES, SIZES, everything, flat, small_agent, small_batch, small_stacks

B = SIZES["batch_size"]


def after_updates(agent: SACAgent, count: int, batch_op: str = "crop") -> Tensor:
    for number in range(count):
        agent.update(small_batch(batch_op, seed=number))
    return everything(agent)


def encoder_inputs(agent: SACAgent, batch: Transition) -> list[Tensor]:
    """Return what the encoder is given in one update: next_obs for the policy, obs for the critic and the actor."""
    seen: list[Tensor] = []
    hook = agent.encoder.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].clone()))
    agent.update(batch)
    hook.remove()
    return seen


class TestEncoder:
    def test_it_is_one_module_that_the_critic_trains(self) -> None:
        agent = small_agent()
        heads = [*agent.actor.modules(), *agent.critic.modules()]
        assert not any(isinstance(module, nn.Conv2d) for module in heads)
        assert optimized(agent.critic_optimizer) == identities(agent.encoder, agent.critic)
        assert optimized(agent.actor_optimizer) == identities(agent.actor)

    def test_acting_and_values_read_the_same_convolutions(self) -> None:
        agent, batch = small_agent(), small_batch()
        action, q = agent.act(batch.obs.numpy(), deterministic=True), q_values(agent, batch)
        with torch.no_grad():
            for value in agent.encoder.parameters():
                value.add_(0.1)
        assert not np.array_equal(agent.act(batch.obs.numpy(), deterministic=True), action)
        assert not torch.equal(q_values(agent, batch), q)

    def test_it_and_the_critic_stay_where_they_are_in_the_actors_step(self) -> None:
        agent = small_agent()
        before = flat(agent.encoder, agent.critic)
        actor, log_alpha = flat(agent.actor), agent.log_alpha.item()
        agent._update_actor_and_temperature(agent.encoder(agent.views(small_batch().obs)).detach(), agent._noise(B))
        assert torch.equal(flat(agent.encoder, agent.critic), before)
        assert all(value.grad is None for part in (agent.encoder, agent.critic) for value in part.parameters())
        assert not torch.equal(flat(agent.actor), actor)
        assert agent.log_alpha.item() != log_alpha

    def test_the_critics_step_moves_it_and_the_critic_and_not_the_actor(self) -> None:
        agent, batch = small_agent(), small_batch()
        encoder, critic = flat(agent.encoder), flat(agent.critic)
        features = agent.encoder(agent.views(batch.obs))
        agent._update_actor_and_temperature(features.detach(), agent._noise(B))  # which may not leave the critic frozen
        actor = flat(agent.actor)
        agent._update_critic(batch, features, torch.ones(B), [])
        assert not torch.equal(flat(agent.encoder), encoder)
        assert not torch.equal(flat(agent.critic), critic)
        assert torch.equal(flat(agent.actor), actor)


def optimized(optimizer: torch.optim.Optimizer) -> set[int]:
    return {id(value) for group in optimizer.param_groups for value in group["params"]}


def identities(*modules: nn.Module) -> set[int]:
    return {id(value) for module in modules for value in module.parameters()}


def q_values(agent: SACAgent, batch: Transition) -> Tensor:
    with torch.no_grad():
        return torch.stack(agent.critic(agent.encoder(agent.views.eval_view(batch.obs)), batch.action))


class TestTargets:
    def test_they_start_equal_and_are_not_trained(self) -> None:
        agent = small_agent()
        assert torch.equal(flat(agent.encoder_target), flat(agent.encoder))
        assert torch.equal(flat(agent.critic_target), flat(agent.critic))
        targets = [*agent.encoder_target.parameters(), *agent.critic_target.parameters()]
        assert not any(value.requires_grad for value in targets)
        assert not identities(agent.encoder_target, agent.critic_target) & identities(agent.encoder, agent.critic)

    def test_they_move_by_their_own_rates(self) -> None:
        agent = small_agent()
        start = small_agent()
        agent.update(small_batch())
        rates = {
            0.05: lambda a: (a.encoder, a.critic.projection),
            0.01: lambda a: (a.critic.q1, a.critic.q2),
        }
        targets = {
            0.05: (agent.encoder_target, agent.critic_target.projection),
            0.01: (agent.critic_target.q1, agent.critic_target.q2),
        }
        for tau, parts in rates.items():
            old, new = flat(*parts(start)), flat(*parts(agent))
            assert not torch.equal(old, new)
            torch.testing.assert_close(flat(*targets[tau]), old + tau * (new - old), atol=1e-7, rtol=1e-6)

    @pytest.mark.parametrize(
        ("part", "matters"), [("critic", False), ("critic_target", True), ("encoder_target", True)]
    )
    def test_the_target_networks_and_not_the_learned_critic_value_the_next_state(
        self, part: str, matters: bool
    ) -> None:
        plain, moved = small_agent(), small_agent()
        with torch.no_grad():
            for value in getattr(moved, part).parameters():
                value.mul_(1.1)
        targets = [agent.update(small_batch())["target"] for agent in (plain, moved)]
        assert torch.equal(*targets) is not matters


class TestSchedule:
    @pytest.mark.parametrize("every", [1, 2, 3])
    def test_the_actor_and_the_temperature_learn_every_so_often_beginning_with_the_first(self, every: int) -> None:
        agent = small_agent(actor_update_freq=every)
        moved, logged = [], []
        for number in range(6):
            before = torch.cat([flat(agent.actor), agent.log_alpha.detach()[None]])
            metrics = agent.update(small_batch(seed=number))
            moved.append(not torch.equal(torch.cat([flat(agent.actor), agent.log_alpha.detach()[None]]), before))
            logged.append({"actor_loss", "entropy", "temperature_loss", "temperature"} <= metrics.keys())
        assert moved == logged == [number % every == 0 for number in range(6)]

    @pytest.mark.parametrize("every", [1, 2, 3])
    def test_the_targets_move_every_so_often(self, every: int) -> None:
        agent, moved = small_agent(target_update_freq=every), []
        for number in range(6):
            before = flat(agent.encoder_target, agent.critic_target)
            agent.update(small_batch(seed=number))
            moved.append(not torch.equal(flat(agent.encoder_target, agent.critic_target), before))
        assert moved == [number % every == 0 for number in range(6)]

    def test_the_critic_learns_in_every_update(self) -> None:
        agent = small_agent()
        for number in range(4):
            before = flat(agent.critic, agent.encoder)
            assert "critic_loss" in agent.update(small_batch(seed=number))
            assert not torch.equal(flat(agent.critic, agent.encoder), before)


class TestViews:
    def test_obs_and_next_obs_are_drawn_independently_and_the_actor_sees_the_critics_view(self) -> None:
        batch = alike(small_batch())
        next_view, critic_view, actor_view = encoder_inputs(small_agent(), batch)
        assert not torch.equal(next_view, critic_view)
        assert torch.equal(actor_view, critic_view)

    def test_a_shared_draw(self) -> None:
        next_view, critic_view, _ = encoder_inputs(small_agent(share_draw=True), alike(small_batch()))
        assert torch.equal(next_view, critic_view)

    def test_a_frozen_draw_is_the_same_in_every_update(self) -> None:
        batch = small_batch()
        for frozen in (True, False):
            agent = small_agent(freeze_augment=frozen)
            _, first, *_ = encoder_inputs(agent, batch)
            _, second, *_ = encoder_inputs(agent, batch)
            assert torch.equal(first, second) is frozen

    def test_drq_draws_k_views_of_next_obs_and_m_of_obs(self) -> None:
        batch = small_batch()
        *next_views, critic_views, _ = encoder_inputs(small_agent(target_views=3, critic_views=2), batch)
        assert [len(view) for view in next_views] == [B] * 3
        assert len({view.sum().item() for view in next_views}) == 3
        first, second = critic_views.split(B)
        assert not torch.equal(first, second)

    def test_drq_averages_the_targets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        agent, values, given = small_agent(target_views=2), iter([1.0, 4.0]), []
        monkeypatch.setattr(agent, "_target", lambda *_: torch.full((B,), next(values)))
        monkeypatch.setattr(agent, "_update_critic", lambda *parts: given.append(parts[2]) or {})
        agent.update(small_batch())
        assert torch.equal(given[0], torch.full((B,), 2.5))

    def test_drq_averages_the_critic_loss(self) -> None:
        # Without augmentation all M views are the same, and so is the mean of their losses.
        losses = [small_agent("none", critic_views=m).update(small_batch("none"))["critic_loss"] for m in (1, 3)]
        torch.testing.assert_close(*losses)

    def test_acting_sees_the_evaluation_geometry_and_no_augmentation(self) -> None:
        agent, seen = small_agent("crop+color_jitter"), []
        agent.encoder.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
        agent.act(small_batch().obs.numpy(), deterministic=False)
        torch.testing.assert_close(seen[0], small_batch().obs[:, :, 2:22, 2:22].float() / 255)  # 20 of 24 px


def alike(batch: Transition) -> Transition:
    return batch._replace(next_obs=batch.obs)


# What decides how views are drawn and made.
KINDS: list[dict[str, Any]] = [
    {},
    {"op": "shift", "target_views": 2, "critic_views": 2},
    {"op": "crop+color_jitter", "target_views": 2, "critic_views": 2, "share_draw": True},
    {"op": "crop+flip", "strong_augment": "random_conv"},
    {"op": "translate", "precision": "bf16", "auxiliary_loss": "curl:dim=4"},
    {"op": "flip/rotate", "precision": "bf16", "freeze_augment": True},
]


class TestDraws:
    @pytest.mark.parametrize("options", KINDS, ids=str)
    def test_all_are_made_before_anything_is_computed(
        self, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent, batch, before = small_agent(**options), small_batch(options.get("op", "crop")), []
        learn, generators = agent._learn, (agent.generator, agent.view_generator)

        def learn_from(*parts: Any, **words: Any) -> Any:
            before.extend(generator.get_state() for generator in generators)
            return learn(*parts, **words)

        monkeypatch.setattr(agent, "_learn", learn_from)
        start = agent.generator.get_state()
        agent.update(batch)
        assert all(torch.equal(state, generator.get_state()) for state, generator in zip(before, generators))
        assert not torch.equal(before[0], start)

    @pytest.mark.parametrize("options", KINDS, ids=str)
    def test_an_update_on_stacks_that_are_not_built_is_that_on_whole_ones(self, options: dict[str, Any]) -> None:
        agents, op = [small_agent(**options) for _ in range(2)], options.get("op", "crop")
        for seed in range(2):
            rows = [agent.update(make(op, seed=seed)) for agent, make in zip(agents, (small_batch, small_stacks))]
            assert all(torch.equal(value, rows[1][name]) for name, value in rows[0].items())
        assert torch.equal(*map(everything, agents))


class TestStrongView:
    options: dict[str, Any] = {"strong_augment": "random_conv"}  # noqa: RUF012

    def test_it_is_laid_over_the_weak_one_in_the_critic_loss_only(self) -> None:
        batch = small_batch()
        plain, strong = (encoder_inputs(small_agent(**options), batch) for options in ({}, self.options))
        weak, laid_over = strong[1].split(B)
        assert torch.equal(strong[0], plain[0])  # the target's view
        assert torch.equal(weak, plain[1])
        assert not torch.equal(laid_over, weak)
        assert torch.equal(strong[2], plain[2])  # the actor's view

    def test_the_first_losses_differ_in_the_critics_alone(self) -> None:
        plain, strong = (small_agent(**options).update(small_batch()) for options in ({}, self.options))
        assert strong["critic_loss"] != plain["critic_loss"]
        torch.testing.assert_close(strong["target"], plain["target"])  # MKL's last bits follow where a tensor lies

    def test_its_weight_mixes_the_two_losses(self) -> None:
        agents = {beta: small_agent(strong_weight=beta, **self.options) for beta in (0.0, 0.25, 1.0)}
        weak, mixed, strong = (agent.update(small_batch())["critic_loss"].item() for agent in agents.values())
        assert weak == pytest.approx(small_agent().update(small_batch())["critic_loss"].item(), rel=1e-5)
        assert strong != pytest.approx(weak, rel=1e-3)
        assert mixed == pytest.approx(0.75 * weak + 0.25 * strong, rel=1e-5)


class TestSeeds:
    def test_weights_noise_and_draws_each_follow_the_seed(self) -> None:
        obs = small_batch().obs
        one, other = small_agent(seed=1), small_agent(seed=2)
        for part in ("encoder", "actor", "critic"):
            assert not torch.equal(flat(getattr(one, part)), flat(getattr(other, part)))
        assert not torch.equal(one.views(obs), other.views(obs))
        assert not torch.equal(one._noise(B), other._noise(B))


class TestActing:
    def test_samples_differ_and_surround_the_mode(self) -> None:
        agent = small_agent(log_std_min=-3.0, log_std_max=-2.9)
        obs = np.repeat(small_batch().obs.numpy()[:1], 400, axis=0)
        sampled, mode = agent.act(obs, deterministic=False), agent.act(obs[:1], deterministic=True)
        assert not np.array_equal(agent.act(obs, deterministic=False), sampled)
        np.testing.assert_allclose(np.median(sampled, axis=0), mode[0], atol=0.02)
        # a standard deviation of exp(-2.95) = 0.052 before tanh, whose slope is below 1
        assert (sampled.std(0) > 0.01).all() and (sampled.std(0) < 0.06).all()

    def test_the_mode_is_the_squashed_mean(self) -> None:
        agent, obs = small_agent(), small_batch().obs
        with torch.no_grad():
            policy = agent.actor(agent.encoder(agent.views.eval_view(obs)))
        np.testing.assert_allclose(agent.act(obs.numpy(), deterministic=True), policy.mean.tanh().numpy(), rtol=1e-6)

    def test_actions_lie_in_the_unit_range(self) -> None:
        agent = small_agent(log_std_min=1.0, log_std_max=2.0)
        assert np.abs(agent.act(small_batch().obs.numpy(), deterministic=False)).max() <= 1


# For each field: what it needs besides, and two values that must lead to different weights.
OPTIONS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "actor_lr": ({}, 1e-3, 2e-3),
    "critic_lr": ({}, 1e-3, 2e-3),
    "alpha_lr": ({}, 1e-4, 2e-4),
    "alpha_beta1": ({}, 0.5, 0.9),
    "init_temperature": ({}, 0.1, 0.2),
    "actor_update_freq": ({}, 1, 2),
    "target_update_freq": ({}, 1, 2),
    "critic_tau": ({}, 0.01, 0.02),
    "encoder_tau": ({}, 0.05, 0.06),
    "log_std_min": ({}, -10.0, -5.0),
    "log_std_max": ({}, 2.0, 1.0),
    "tanh_floor": ({}, 0.0, 1e-3),
    "hidden_dim": ({}, 16, 17),
    "projection_dim": ({}, 8, 9),
    "projection_tanh": ({}, False, True),
    "actor_features": ({}, "after", "before"),
    "target_encoder": ({}, True, False),
    "target_views": ({}, 1, 2),
    "critic_views": ({}, 1, 2),
    "share_draw": ({}, False, True),
    "freeze_augment": ({}, False, True),
    "strong_augment": ({}, "none", "random_conv"),
    "strong_weight": ({"strong_augment": "random_conv"}, 0.5, 0.6),
}


# Read by whoever makes the replay and samples; tested with the whole run.
SAMPLING = {"batch_size", "gamma", "n_step"}


def filled_replay(gamma: float, n_step: int) -> Replay:
    """Return the same short episodes for any discount and number of steps."""
    replay = Replay(100, (3 * FRAMES, 24, 24), ACTIONS, frame_stack=FRAMES, gamma=gamma, n_step=n_step)
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (24, 3 * FRAMES, 24, 24), generator=generator, dtype=torch.uint8)
    for number, frame in enumerate(frames):
        if number % 6 == 0:
            replay.start(0, frame)
        else:
            action = torch.rand(ACTIONS, generator=generator)
            replay.add(0, action, float(number % 3), frame, terminated=False, truncated=number % 6 == 5)
    return replay


def learnt(options: dict[str, Any]) -> Tensor:
    """Learn from the fixed replay for a few updates, so that everything has been updated twice."""
    agent = small_agent(**options)
    config, generator = agent.config, torch.Generator().manual_seed(0)
    replay = filled_replay(config.gamma, config.n_step)
    for _ in range(4):
        agent.update(replay.sample(config.batch_size, generator))
    return everything(agent)


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"share_draw": True, "target_views": 2}, "share_draw: needs as many target_views as critic_views"),
            ({"log_std_min": 2.0}, "log_std_min: must be below log_std_max 2.0, got 2.0"),
        ],
    )
    def test_contradictions_are_refused(self, options: dict[str, Any], text: str) -> None:
        with pytest.raises(ValueError, match=f"^{text}"):
            small_agent(**options)

    def test_every_field_is_listed(self) -> None:
        assert OPTIONS.keys() | SAMPLING == {field.name for field in dataclasses.fields(SACConfig)}

    @pytest.mark.slow
    @pytest.mark.parametrize("name", OPTIONS)
    def test_every_option_bites(self, name: str) -> None:
        base, *values = OPTIONS[name]
        first, second = (learnt(base | {name: value}) for value in values)
        assert first.isfinite().all() and second.isfinite().all()
        assert first.shape != second.shape or not torch.equal(first, second)

    def test_the_same_options_give_the_same_weights(self) -> None:
        assert torch.equal(learnt({}), learnt({}))
