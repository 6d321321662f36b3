"""The presets of PPO, number by number."""

import pytest

from rad.agents.ppo import PPOConfig
from rad.experiment.algorithms.ppo import PPORun
from rad.experiment.build import image_size, make_arms
from rad.experiment.presets import choose, preset
from tests.integration.runs import tiny_ppo

GAME = "procgen/starpilot"


def test_ppo_on_procgen_is_train_procgens() -> None:
    config = preset("ppo", GAME)
    # Cobbe et al. 2020, appendix, and train.py of openai/train-procgen
    assert config.agent == PPOConfig()
    assert (config.agent.num_steps, config.agent.num_minibatches, config.agent.num_epochs) == (256, 8, 3)
    assert (config.agent.gamma, config.agent.gae_lambda, config.agent.lr) == (0.999, 0.95, 5e-4)
    assert (config.agent.ent_coef, config.agent.vf_coef, config.agent.clip_coef) == (0.01, 0.5, 0.2)
    assert (config.num_envs, config.encoder, config.frame_stack, config.frames) == (64, "impala", 1, 25_000_000)
    assert (config.task, config.augment, config.crop) == (GAME, "none", "pad")


def test_ppo_elsewhere_is_ataris() -> None:
    config = preset("ppo", "gym/CartPole-v1")
    # Schulman et al. 2017, table 5, and the Atari defaults of OpenAI baselines
    assert (config.num_envs, config.agent.num_steps, config.agent.num_minibatches) == (8, 128, 4)
    assert (config.agent.num_epochs, config.agent.gamma, config.agent.lr, config.agent.clip_coef) == (
        4,
        0.99,
        2.5e-4,
        0.1,
    )
    assert config.agent.anneal_lr and (config.encoder, config.frame_stack) == ("nature", 4)


def test_ppo_on_lunar_lander_is_rl_zoos_over_repeated_frames() -> None:
    config = preset("ppo", "gym/LunarLander-v3")
    assert isinstance(config, PPORun)
    # RL Zoo, hyperparams/ppo.yml, LunarLander: n_envs 16, n_epochs 4, ent_coef 0.01, gamma 0.999, gae_lambda 0.98
    agent, repeat = config.agent, config.action_repeat
    assert (config.num_envs, agent.num_epochs, agent.ent_coef, repeat) == (16, 4, 0.01, 3)
    assert (agent.gamma, agent.gae_lambda) == pytest.approx((0.999**repeat, 0.98**repeat), abs=2e-3)
    assert (agent.lr, agent.clip_coef) == (PPOConfig.lr, PPOConfig.clip_coef)  # train-procgen's
    assert config.eval_envs * config.eval_episodes == 100 and config.eval_policy == "mode"


def test_rad_procgen() -> None:
    config = preset("rad-procgen", GAME)
    assert isinstance(config, PPORun)
    assert (config.augment, config.crop, config.agent.augment_where) == ("crop", "resize", "rollout")
    assert (config.frames, config.agent.reward_gamma, config.suite.distribution_mode) == (20_000_000, 0.0, "easy")


def test_drac() -> None:
    config = preset("drac", GAME)
    assert (config.augment, config.crop, config.agent.augment_where) == ("crop", "pad", "consistency")
    assert (config.agent.consistency_coef, config.frames) == (0.1, 25_000_000)


def test_ucb_drac_chooses_among_eight() -> None:
    config = preset("ucb-drac", GAME)
    arms, side = make_arms(config)
    assert side == 64
    assert [name.partition(":")[0] for name in arms] == [
        *("crop", "random_conv", "grayscale", "flip", "rotate", "cutout", "cutout_color", "color_jitter")
    ]
    assert config.agent.augment_where == "consistency"


def test_the_image_size_is_that_of_any_arm() -> None:
    assert image_size(tiny_ppo(augment="ucb:flip,rotate", image_size=0)) == 84
    assert image_size(tiny_ppo(augment="ucb:flip,translate+flip", image_size=0)) == 108


@pytest.mark.parametrize(
    ("algo", "name", "task", "chosen"),
    [
        (None, None, None, ("sac", "rad")),
        ("ppo", None, None, ("ppo", "ppo")),
        (None, None, GAME, ("ppo", "ppo")),
        ("sac", None, "dmc/walker-walk", ("sac", "rad")),
        (None, "drac", GAME, ("ppo", "drac")),
        ("ppo", "drac", GAME, ("ppo", "drac")),
    ],
)
def test_algorithm_preset_and_task_decide_together(
    algo: str | None, name: str | None, task: str | None, chosen: tuple[str, str]
) -> None:
    config = choose(algo, name, task)
    assert (config.algo, config.preset) == chosen


def test_a_preset_of_another_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^preset: drac is of ppo; presets of sac: rad, drq, svea, lean, demo"):
        choose("sac", "drac", None)
    with pytest.raises(ValueError, match=r"^algo: unknown algorithm 'dqn'; known: sac, ppo"):
        choose("dqn", None, None)


def test_all_presets_on_a_game_differ_in_the_augmentation_alone() -> None:
    base = preset("ppo", GAME)
    for name in ("rad-procgen", "drac", "ucb-drac"):
        config = preset(name, GAME)
        differing = {field for field in vars(config) if vars(config)[field] != vars(base)[field]}
        assert differing <= {"preset", "augment", "crop", "agent", "frames"}
        agent = {field for field in vars(config.agent) if vars(config.agent)[field] != vars(base.agent)[field]}
        assert agent <= {"augment_where"}
