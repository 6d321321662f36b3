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
from rad.loops import LoopState, on_policy
from rad.runtime.ranks import ALONE, Ranks, joined
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
UPDATES = 20


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


def trained(ranks: Ranks) -> dict[str, torch.Tensor]:
    """Train on a probe with augmentation for some updates; return the weights, and what only this rank drew."""
    env = envs.make("probe/both-discrete", num_envs=4, seed=1 + ranks.rank, image_size=16, frame_stack=1)
    config = PPOConfig(num_steps=8, num_minibatches=2, num_epochs=2, hidden_dim=16, objective="kl")
    encoder = "pixel:num_layers=2:num_filters=4"
    arms = make_arms("ucb:shift,color_jitter", size=16, crop="pad")
    agent = PPOAgent((3, 16, 16), 2, config, arms, discrete=True, encoder=encoder, seed=1, ranks=ranks)
    if ranks.rank:
        agent.draw_from(ranks.rank)
    buffer = RolloutBuffer(config.num_steps, 4, agent.image_shape)
    steps = on_policy(env, agent, buffer, LoopState())
    for _ in itertools.islice(steps, UPDATES * config.num_steps):
        pass
    state = {**agent.encoder.state_dict(), **agent.head.state_dict(), "kl_beta": agent.kl_beta}
    return {**state, "last rewards": buffer.state_dict()["reward"], "drawn": agent.generator.get_state()}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with joined() as ranks:
        results = {case: updated(case, ranks) for case in CASES} | {"trained": trained(ranks)}
        assert ranks.max(ranks.rank) == ranks.size - 1
        assert ranks.collect(ranks.rank) == ([] if ranks.rank else list(range(ranks.size)))
        torch.save(results, folder / f"{ranks.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
