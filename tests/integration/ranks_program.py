"""What each process of torchrun does in the tests of ranks: `python -m tests.integration.ranks_program FOLDER`."""

import itertools
import sys
from pathlib import Path
from typing import Any

import torch

from rad import envs
from rad.agents.bandit import make_arms
from rad.agents.ppo import PPOAgent, PPOConfig
from rad.buffers.rollout import RolloutBuffer
from rad.evaluation.play import evaluate
from rad.loops import LoopState
from rad.loops.on_policy import on_policy
from rad.runtime.processes.ranks import ALONE, Ranks, joined
from rad.types import Rollout
from tests.rad.agents.small_ppo import ENVS, small_agent, small_rollout

FULL_BATCH = {"num_minibatches": 1, "normalize_advantage": True, "normalize_reward": True, "clip_value": True}
# Arms that draw nothing: those who share a rollout see the same views of it.
CASES: dict[str, dict[str, Any]] = {
    "clip": {"num_epochs": 1},
    "kl": {"num_epochs": 2, "objective": "kl", "target_kl": 1e-4},
    "bandit": {"op": "ucb:flip:p=1,none", "num_epochs": 1},
    "consistency": {"op": "flip:p=1", "augment_where": "consistency", "num_epochs": 1},
}
SIZE, UPDATES = 16, 20
SOLVES = {
    "num_steps": 16,
    "gamma": 0.99,
    "ent_coef": 0.02,
    "num_minibatches": 4,
    "num_epochs": 4,
    "lr": 7e-4,
    "hidden_dim": 32,
}


def updated(case: str, ranks: Ranks = ALONE) -> dict[str, torch.Tensor]:
    """Update an agent on this rank's share of two fixed rollouts; return its weights, metrics and what adapts."""
    options = {"op": "none"} | FULL_BATCH | CASES[case]
    agent, actor = (small_agent(**options, ranks=group) for group in (ranks, ALONE))
    result = {}
    for seed in range(2):
        whole = small_rollout(actor, seed)
        agent.begin_rollout(ENVS // ranks.size)
        metrics = agent.update(share(whole, ranks))
        del metrics["inactive_units"]  # on all images of a rank: more than on all there are
        result |= {f"{name} {seed}": value for name, value in metrics.items()}
    result |= {name: value for name, value in agent.head.state_dict().items()}
    result |= {name: value for name, value in agent.encoder.state_dict().items()}
    result |= {"kl_beta": agent.kl_beta, "counts": torch.tensor(agent.views.bandit.counts)}
    result["returns"] = torch.tensor([value for arm in agent.views.bandit.returns for value in arm])
    return {name: value.detach().clone().contiguous() for name, value in result.items()}


def share(whole: Rollout, ranks: Ranks) -> Rollout:
    """Return the columns of a rollout that belong to a rank."""
    return Rollout(*(tensor.chunk(ranks.size, 1)[ranks.rank] for tensor in whole))


def trained(ranks: Ranks, spec: str, updates: int, **options: Any) -> dict[str, torch.Tensor]:
    """Train on a probe; return the weights, the state of this rank's draws, and the mean return of ten games."""
    task = "probe/both-discrete"
    env = envs.make(task, num_envs=8, seed=1 + ranks.rank, image_size=SIZE, frame_stack=1)
    config = PPOConfig(**SOLVES | options)
    encoder = "pixel:num_layers=2:num_filters=8"
    arms = make_arms(spec, size=SIZE, crop="pad")
    agent = PPOAgent((3, SIZE, SIZE), 2, config, arms, discrete=True, encoder=encoder, seed=1, ranks=ranks)
    if ranks.rank:
        agent.draw_from(ranks.rank)
    buffer = RolloutBuffer(config.num_steps, env.num_envs, agent.image_shape)
    for _ in itertools.islice(on_policy(env, agent, buffer, LoopState()), updates * config.num_steps):
        pass
    weights = {**agent.encoder.state_dict(), **agent.head.state_dict(), "kl_beta": agent.kl_beta}
    drawn = agent.generator.get_state()
    test = envs.make(task, num_envs=10, seed=100, image_size=SIZE, frame_stack=1)
    returns = evaluate(test, lambda obs: agent.act(obs, deterministic=True), 4).returns
    return {**weights, "drawn": drawn, "return": torch.from_numpy(returns).mean()}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with joined() as ranks:
        results = {case: updated(case, ranks) for case in CASES}
        results["trained"] = trained(ranks, "ucb:shift,color_jitter", UPDATES, objective="kl")
        results["solved"] = trained(ranks, "none", 2 * UPDATES, normalize_reward=False, clip_value=False)
        assert ranks.max(ranks.rank) == ranks.size - 1
        assert ranks.collect(ranks.rank) == ([] if ranks.rank else list(range(ranks.size)))
        torch.save(results, folder / f"{ranks.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
