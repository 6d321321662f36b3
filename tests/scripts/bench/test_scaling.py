"""The model of ranks and actors, by hand, and the costs that it is made of."""

import dataclasses

import pytest

from scripts.bench import ppo, scaling

COSTS = scaling.Costs(
    simulation=1.0,
    inference=2.0,
    update=5.0,
    steps=10,
    gradient_steps=4,
    weight_bytes=8,
    latency_s=0.5,
    bytes_per_s=16.0,
    act=3.0,
    learn=1.0,
    carry=1.0,
)


def test_ranks_share_the_work_and_exchange_their_gradients() -> None:
    assert scaling.ranks_rate(COSTS, 1) == 1 / 8
    assert scaling.all_reduce_s(COSTS, 2) == 2 * (0.5 + 4 / 16)
    assert scaling.ranks_rate(COSTS, 2) == pytest.approx(1 / (8 / 2 + 4 * 1.5 / 10))
    assert scaling.all_reduce_s(COSTS, 4) == 6 * (0.5 + 2 / 16)
    bounds = [scaling.ranks_bound(COSTS, count) for count in (1, 2, 16)]
    assert bounds == ["work of the ranks", "work of the ranks", "exchange"]


def test_actors_are_as_fast_as_they_or_the_learner() -> None:
    assert [scaling.actors_rate(COSTS, count) for count in (1, 2, 4)] == [1 / 4, 1 / 2, 1 / 2]
    assert [scaling.actors_bound(COSTS, count) for count in (1, 4)] == ["actors", "learner"]


def test_rows_have_the_model_and_what_this_machine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "measure", lambda of_ppo, of_impala: COSTS)
    monkeypatch.setattr(scaling, "here", lambda kind, count: {"ranks": 10.0, "actors": 20.0}[kind] * count)
    rows = {(row["kind"], row["processes"]): row for row in scaling.run()}
    assert list(rows) == [(kind, count) for kind in ("ranks", "actors") for count in scaling.COUNTS]
    assert (rows["ranks", 2]["here_steps_per_s"], rows["ranks", 4]["here_steps_per_s"]) == (20.0, None)
    assert rows["actors", 4]["here_steps_per_s"] == 80.0
    assert rows["actors", 1]["model_steps_per_s"] == 1 / 4
    ethernet = dataclasses.replace(COSTS, **scaling.ETHERNET)
    assert rows["ranks", 8]["over_ethernet"] == scaling.ranks_rate(ethernet, 8)


@pytest.mark.slow
def test_messages_between_two_processes_are_measured() -> None:
    costs = scaling.exchange_costs(scaling.Job(weight_bytes=4_000_000, messages=3))
    assert 0 < costs["latency_s"] < 1 and costs["bytes_per_s"] > 1e6


@pytest.mark.slow
def test_costs_and_runs_are_measured() -> None:
    pytest.importorskip("procgen", reason="no wheel of procgen for this platform")
    tiny = ppo.Job(side="fp32", num_envs=2, num_steps=2, num_minibatches=1, num_epochs=1, rollouts=1, threads=1)
    costs = scaling.measure(tiny, scaling.Job("impala", num_envs=2, trajectories=1, messages=2))
    assert all(value > 0 for value in dataclasses.astuple(costs))
    assert (costs.steps, costs.gradient_steps) == (4, 1)
    assert 2_000_000 < costs.weight_bytes < 4_000_000  # 626,000 weights of four bytes


@pytest.mark.slow
def test_a_run_that_fails_is_named() -> None:
    pytest.importorskip("procgen", reason="no wheel of procgen for this platform")
    with pytest.raises(RuntimeError, match="1 ranks ended with 2: error: --frames"):
        scaling.here("ranks", 1, 64)
