"""An update leaves the tensors of an agent's state where they are: a captured update would go on with the old ones."""

from typing import Any

import pytest

from rad.agents.base import Agent
from tests.devices.nested import tensors
from tests.rad.agents import small, small_ppo

GENERATORS = {"generator", "views/generator"}
"""On the host, and copies: what `get_state` of a generator returns."""

STATISTICS = {f"normalizer/{name}" for name in ("running", "mean", "variance", "count")}
"""On the host, as rewards are: the statistics of the rewards, made anew at each step of a rollout."""


def moved(agent: Agent, batch: Any) -> set[str]:
    """Update and return the paths of tensors that lie elsewhere then; those from before are kept until the end."""
    before = dict(tensors(agent.state_dict()))
    agent.update(batch)
    after = dict(tensors(agent.state_dict()))
    assert before.keys() == after.keys() and len(before) > 30
    return {path for path, value in after.items() if value.data_ptr() != before[path].data_ptr()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"target_views": 2, "critic_views": 2},
        {"strong_augment": "random_conv"},
        {"target_encoder": False},
        {"freeze_augment": True},
        {"auxiliary_loss": "curl:dim=8"},
        {"precision": "bf16"},
    ],
    ids=["rad", "drq", "svea", "no-target-encoder", "frozen", "curl", "bf16"],
)
def test_the_state_of_sac_stays_where_it_is(options: dict[str, Any]) -> None:
    agent = small.small_agent(**options)
    agent.update(small.small_stacks())  # makes the state of all optimizers
    for seed in (1, 2):
        assert moved(agent, small.small_stacks(seed=seed)) == GENERATORS


@pytest.mark.parametrize("options", [{}, {"objective": "kl"}, {"augment_where": "consistency"}], ids=str)
def test_the_state_of_ppo_stays_where_it_is(options: dict[str, Any]) -> None:
    agent = small_ppo.small_agent(**options)
    agent.update(small_ppo.small_rollout(agent))
    rollout = small_ppo.small_rollout(agent, seed=1)  # draws what each environment is augmented by
    assert moved(agent, rollout) == GENERATORS | STATISTICS


def test_the_weight_of_the_divergence_is_shown_as_it_was_in_the_update() -> None:
    agent = small_ppo.small_agent(objective="kl", init_kl_beta=3.0, target_kl=1e6)
    row = agent.update(small_ppo.small_rollout(agent))
    assert row["kl_beta"] == 3.0 and agent.kl_beta == 1.5
