"""How the agent's update is wired: what acting and learning see, what each option changes, what a state restores.

That a whole update computes the right numbers is shown against a reference in another file.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rad.agents.ppo import PPOAgent, PPOConfig
from rad.types import Metrics
from tests.rad.agents.small import flat
from tests.rad.agents.small_ppo import ACTIONS, ALL, ENVS, SIZES, frames, small_agent, small_rollout
from tests.rad.agents.test_sac_agent import identities, optimized
from tests.rad.runtime.checkpoint.nested import as_saved, same

STEPS = SIZES["num_steps"]
CENTER = (slice(None), slice(None), slice(2, 22), slice(2, 22))  # 20 of 24 px


def learn(agent: PPOAgent, count: int, first: int = 0) -> list[Metrics]:
    return [agent.update(small_rollout(agent, first + number)) for number in range(count)]


def everything(agent: PPOAgent) -> Tensor:
    return flat(agent.encoder, agent.head)


class Watch:
    """Keeps what the encoder is given."""

    def __init__(self, agent: PPOAgent) -> None:
        self.images: list[Tensor] = []
        agent.encoder.register_forward_pre_hook(lambda _, arguments: self.images.append(arguments[0].clone()))


def rows_of(images: list[Tensor]) -> set[bytes]:
    return {image.contiguous().numpy().tobytes() for batch in images for image in batch}


class TestWhereAugmentationActs:
    def test_a_rollout_is_learnt_from_as_it_was_acted_on(self) -> None:
        agent = small_agent("crop+color_jitter")
        watch = Watch(agent)
        rollout = small_rollout(agent)
        acted = watch.images[:STEPS]
        watch.images.clear()
        agent.update(rollout)
        assert rows_of(watch.images) == rows_of(acted)
        assert len(watch.images) == SIZES["num_epochs"] * SIZES["num_minibatches"]

    def test_one_draw_holds_for_a_rollout_and_differs_among_environments(self) -> None:
        agent, obs = small_agent(), np.repeat(frames(small_agent(), 0)[0][:1].numpy(), ENVS, axis=0)
        watch = Watch(agent)
        agent.begin_rollout(ENVS)
        agent.actor_step(torch.from_numpy(obs), 0, ALL)
        agent.value(obs)
        agent.begin_rollout(ENVS)
        agent.actor_step(torch.from_numpy(obs), 0, ALL)
        first, second, third = watch.images
        assert torch.equal(first, second) and not torch.equal(second, third)
        assert len(rows_of([first])) > 1

    def test_the_first_minibatch_of_a_rollout_has_the_ratio_1(self) -> None:
        agent = small_agent("crop+color_jitter", num_minibatches=1, num_epochs=1)
        metrics = agent.update(small_rollout(agent))
        assert metrics["kl"].item() == pytest.approx(0.0, abs=1e-6)
        assert metrics["clip_fraction"] == 0

    def test_with_a_consistency_loss_acting_and_ppo_see_the_clean_images(self) -> None:
        agent = small_agent("crop+color_jitter", augment_where="consistency")
        watch = Watch(agent)
        rollout = small_rollout(agent)
        acted = watch.images[:STEPS]
        torch.testing.assert_close(acted[0], rollout.obs[0][CENTER].float() / 255)
        watch.images.clear()
        agent.update(rollout)
        clean, augmented = watch.images[::2], watch.images[1::2]
        assert rows_of(clean) == rows_of(acted)
        assert not rows_of(augmented) & rows_of(acted)
        assert len(rows_of(augmented)) == SIZES["num_epochs"] * STEPS * ENVS  # each view is drawn anew

    def test_evaluation_sees_the_evaluation_geometry_and_no_augmentation(self) -> None:
        agent = small_agent("crop+color_jitter")
        watch, obs = Watch(agent), frames(small_agent(), 0)[0]
        agent.begin_rollout(ENVS)
        agent.act(obs.numpy(), deterministic=True)
        torch.testing.assert_close(watch.images[0], obs[CENTER].float() / 255)


class TestConsistency:
    def test_the_clean_side_is_not_moved_towards_the_augmented_one(self) -> None:
        agent = small_agent("crop", augment_where="consistency")
        with torch.no_grad():
            policy, value = agent._forward(agent.views.eval_view(frames(agent, 0)[0]))
        policy.params.requires_grad_(True)
        value.requires_grad_(True)
        loss, _ = agent._consistency(frames(agent, 0)[0], policy, value)
        loss.backward()
        assert policy.params.grad is None and value.grad is None
        assert all(part.grad is not None for part in agent.encoder.parameters())

    def test_without_a_change_to_the_images_it_is_zero(self) -> None:
        agent = small_agent("none", augment_where="consistency")
        metrics = learn(agent, 1)[0]
        assert metrics["policy_consistency"].item() == pytest.approx(0.0, abs=1e-6)
        assert metrics["value_consistency"].item() == pytest.approx(0.0, abs=1e-6)


class TestUpdate:
    def test_encoder_and_head_learn_and_nothing_else(self) -> None:
        agent = small_agent(discrete=False)
        assert optimized(agent.optimizer) == identities(agent.encoder, agent.head)
        before = {name: value.clone() for name, value in agent.head.named_parameters()}
        encoder = flat(agent.encoder)
        learn(agent, 1)
        assert not torch.equal(flat(agent.encoder), encoder)
        assert all(not torch.equal(value, before[name]) for name, value in agent.head.named_parameters())

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            ({}, {"clip_fraction"}),
            ({"objective": "kl"}, {"kl_beta"}),
            ({"augment_where": "consistency"}, {"clip_fraction", "policy_consistency", "value_consistency"}),
        ],
    )
    def test_metrics_are_those_of_the_losses(self, options: dict[str, Any], names: set[str]) -> None:
        metrics = learn(small_agent(**options), 1)[0]
        always = {"policy_loss", "value_loss", "value", "kl", "entropy", "grad_norm", "explained_variance"}
        assert metrics.keys() == always | {"target_std", "advantage_std", "inactive_units"} | names

    def test_the_rollout_is_left_as_it_is(self) -> None:
        agent = small_agent()
        rollout = small_rollout(agent)
        before = [tensor.clone() for tensor in rollout]
        agent.update(rollout)
        assert all(map(torch.equal, rollout, before))

    def test_the_learning_rate_falls_to_zero_over_the_run(self) -> None:
        agent, rates = small_agent(anneal_lr=True, total_updates=4, lr=8e-4), []
        for number in range(5):
            learn(agent, 1, number)
            rates.append(agent.optimizer.param_groups[0]["lr"])
        assert rates == pytest.approx([8e-4, 6e-4, 4e-4, 2e-4, 0.0])

    def test_without_annealing_it_stays(self) -> None:
        agent = small_agent(total_updates=1)
        learn(agent, 2)
        assert agent.optimizer.param_groups[0]["lr"] == PPOConfig.lr

    def test_the_weight_of_the_penalty_follows_the_divergence(self) -> None:
        # No policy moves as far as 1e9 nats, and any moves further than 1e-12.
        weights = []
        for target in (1e9, 1e-12):
            agent = small_agent(objective="kl", target_kl=target, init_kl_beta=3.0)
            learn(agent, 2)
            weights.append(agent.kl_beta.item())
        assert weights == [0.75, 12.0]

    def test_the_weight_of_the_penalty_is_judged_by_the_last_epoch(self) -> None:
        agent = small_agent(objective="kl", num_minibatches=1, num_epochs=2, lr=1e-2)
        metrics = learn(agent, 1)[0]
        # The first epoch's divergence is 0, so the last one's is twice the mean; between the two lies the bound.
        agent = small_agent(objective="kl", num_minibatches=1, num_epochs=2, lr=1e-2)
        agent.config = dataclasses.replace(agent.config, target_kl=metrics["kl"].item())
        learn(agent, 1)
        assert agent.kl_beta.item() == 2.0


class TestActing:
    @pytest.mark.parametrize("discrete", [True, False])
    def test_an_actor_step_is_consistent_in_itself(self, discrete: bool) -> None:
        agent = small_agent(discrete=discrete)
        agent.begin_rollout(ENVS)
        obs = frames(agent, 0)[0]
        step = agent.actor_step(obs, 0, ALL)
        policy = agent.head.distribution(step.policy)
        torch.testing.assert_close(policy.log_prob(step.action), step.log_prob)
        torch.testing.assert_close(agent.value(obs.numpy()), step.value)
        assert not any(part.requires_grad for part in step)

    def test_continuous_actions_are_not_clipped(self) -> None:
        agent = small_agent(discrete=False, num_steps=20)
        agent.begin_rollout(ENVS)
        action = torch.cat([agent.actor_step(frames(agent, step)[0], step, ALL).action for step in range(20)])
        assert action.abs().max() > 1.5  # of 240 numbers with standard deviation 1


def test_a_restored_agent_goes_on_in_the_middle_of_a_rollout() -> None:
    original, restored = small_agent(seed=1), small_agent(seed=2)
    original.begin_rollout(ENVS)
    restored.load_state_dict(as_saved(original.state_dict()))
    obs = frames(original, 9)[0]
    assert same(tuple(original.actor_step(obs, 3, ALL)), tuple(restored.actor_step(obs, 3, ALL)))


def test_a_state_from_before_the_noise_was_held_goes_on_in_the_middle_of_a_rollout() -> None:
    original, restored, again = (small_agent(seed=seed) for seed in (1, 2, 3))
    original.begin_rollout(ENVS)
    state = original.state_dict()
    del state["noise"]
    obs = frames(original, 9)[0]
    for agent in (restored, again):
        agent.begin_rollout(ENVS + 1)
        agent.load_state_dict(as_saved(state))
        agent.resume_rollout(ENVS)
    assert same(tuple(restored.actor_step(obs, 3, ALL)), tuple(again.actor_step(obs, 3, ALL)))
    noise = restored.noise.clone()
    restored.resume_rollout(ENVS)
    assert torch.equal(restored.noise, noise) and noise.shape == (STEPS, ENVS, ACTIONS)


def test_a_part_of_the_environments_is_seen_and_acts_as_in_a_step_of_all() -> None:
    agent = small_agent("crop+color_jitter")
    agent.begin_rollout(ENVS)
    obs = frames(agent, 0)[0]
    whole, parts = agent.actor_step(obs, 2, ALL), [slice(0, 3), slice(3, ENVS)]
    steps = [agent.actor_step(obs[part], 2, part) for part in parts]
    for value, together in zip(whole, map(torch.cat, zip(*steps))):
        torch.testing.assert_close(value, together)
    torch.testing.assert_close(torch.cat([agent.value(obs[part].numpy(), part) for part in parts]), whole.value)


# For each field: what it needs besides, and two values that must lead to different weights.
OPTIONS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "num_steps": ({}, 5, 6),
    "num_minibatches": ({}, 3, 4),
    "num_epochs": ({}, 2, 3),
    "gamma": ({}, 0.99, 0.5),
    "gae_lambda": ({}, 0.95, 0.5),
    "lr": ({}, 5e-4, 6e-4),
    "adam_eps": ({}, 1e-5, 1e-3),
    "anneal_lr": ({}, False, True),
    "objective": ({}, "clip", "kl"),
    "clip_coef": ({}, 0.2, 0.01),
    "clip_value": ({"clip_coef": 0.01}, True, False),
    "target_kl": ({"objective": "kl"}, 1e-9, 1e9),
    "init_kl_beta": ({"objective": "kl"}, 1.0, 2.0),
    "ent_coef": ({}, 0.01, 0.1),
    "vf_coef": ({}, 0.5, 1.0),
    "max_grad_norm": ({}, 0.5, 0.01),
    "normalize_advantage": ({}, True, False),
    "normalize_reward": ({}, True, False),
    "reward_gamma": ({}, 0.0, 0.9),
    "reward_clip": ({}, 10.0, 0.5),
    "augment_where": ({}, "rollout", "consistency"),
    "consistency_coef": ({"augment_where": "consistency"}, 0.1, 1.0),
    "hidden_dim": ({}, 8, 9),
}


def learnt(options: dict[str, Any]) -> Tensor:
    agent = small_agent(**options)
    learn(agent, 2)
    return everything(agent)


class TestOptions:
    def test_every_field_is_listed(self) -> None:
        assert OPTIONS.keys() == {field.name for field in dataclasses.fields(PPOConfig)}

    @pytest.mark.slow
    @pytest.mark.parametrize("name", OPTIONS)
    def test_every_option_bites(self, name: str) -> None:
        base, *values = OPTIONS[name]
        first, second = (learnt(base | {name: value}) for value in values)
        assert first.isfinite().all() and second.isfinite().all()
        assert first.shape != second.shape or not torch.equal(first, second)

    def test_the_same_options_give_the_same_weights(self) -> None:
        assert torch.equal(learnt({}), learnt({}))

    def test_the_discount_of_the_reward_scale_is_ppos_unless_it_is_given(self) -> None:
        assert torch.equal(learnt({"gamma": 0.9}), learnt({"gamma": 0.9, "reward_gamma": 0.9}))

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"objective": "trust"}, "objective: must be clip or kl, got 'trust'"),
            ({"augment_where": "loss"}, "augment_where: must be rollout or consistency, got 'loss'"),
        ],
    )
    def test_unknown_words_are_refused(self, options: dict[str, Any], text: str) -> None:
        with pytest.raises(ValueError, match=f"^{text}$"):
            PPOConfig(**options).check()

    def test_annealing_needs_the_length_of_the_run(self) -> None:
        with pytest.raises(ValueError, match=r"^total_updates must be at least 1 for anneal_lr, got 0$"):
            small_agent(anneal_lr=True, total_updates=0)
