"""The preset of IMPALA, number by number."""

from rad.agents.impala import IMPALAConfig
from rad.experiment.algorithms.impala import IMPALARun
from rad.experiment.presets import preset


def test_impala_is_the_papers_on_atari() -> None:
    config = preset("impala", "gym/CartPole-v1")
    assert isinstance(config, IMPALARun) and config.agent == IMPALAConfig()
    # Espeholt et al. 2018, table G.1
    agent = config.agent
    assert (agent.num_steps, config.num_envs, agent.gamma, config.frame_stack) == (20, 32, 0.99, 4)
    assert (agent.vf_coef, agent.ent_coef, agent.lr, agent.anneal_lr) == (0.5, 0.01, 6e-4, True)
    assert (agent.optimizer, agent.reward_clip, agent.rho_clip, agent.c_clip) == ("rmsprop", 1.0, 1.0, 1.0)
    # of losses that are summed over the batch
    steps = agent.num_steps * config.num_envs
    assert (agent.optimizer_eps * steps, agent.max_grad_norm * steps) == (0.01, 40.0)
    assert (config.encoder, config.actors, config.order, config.max_lag) == ("impala", 0, "fixed", 0)


def test_a_game_is_played_and_evaluated_as_with_ppo() -> None:
    config, ppo = preset("impala", "procgen/starpilot"), preset("ppo", "procgen/starpilot")
    differing = {name for name, value in vars(ppo).items() if vars(config)[name] != value}
    assert differing == {"algo", "preset", "num_envs", "agent"} and config.num_envs == 32
