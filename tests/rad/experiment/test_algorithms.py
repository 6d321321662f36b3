"""The table of algorithms: an entry that is added is known wherever algorithms are."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rad.agents.sac import SACAgent, SACConfig
from rad.experiment import validate
from rad.experiment.algorithms import ALGORITHMS, algorithm_named, algorithm_of, make_agent
from rad.experiment.algorithms.base import Preset
from rad.experiment.algorithms.sac import SAC, SACRun
from rad.experiment.build import make_env
from rad.experiment.config_file import from_json, to_json
from rad.experiment.presets import choose, presets
from tests.integration.runs import tiny, tiny_ppo


@dataclass(frozen=True)
class NoisyConfig(SACConfig):
    """SAC's hyperparameters and one of its own."""

    noise: float = 0.1


class NoisyAgent(SACAgent):
    """SAC's agent under another name."""


@dataclass(frozen=True)
class NoisyRun(SACRun):
    """A run of it."""

    algo: str = "noisy"
    preset: str = "noisy"
    agent: NoisyConfig = field(default_factory=NoisyConfig)


@pytest.fixture
def noisy(monkeypatch: pytest.MonkeyPatch) -> NoisyRun:
    """Add an algorithm and return a small run of it."""
    common = {f.name: getattr(tiny(), f.name) for f in dataclasses.fields(tiny())}
    run = dict.fromkeys(("algo", "preset", "agent"))
    entry = dataclasses.replace(
        SAC,
        run=NoisyRun,
        presets={"noisy": Preset("a test", agent={"noise": 0.2})},
        bounds={**SAC.bounds, "noise": (lambda value: value >= 0, "at least 0")},
        make_agent=lambda config, env, options: NoisyAgent(
            env.single_observation_space.shape,
            env.single_action_space.shape[0],
            config.agent,
            validate.make_arms(config)[0]["none"],
            **options,
        ),
    )
    monkeypatch.setitem(ALGORITHMS, "noisy", entry)
    small = NoisyConfig(**vars(tiny().agent))
    return NoisyRun(**{name: value for name, value in common.items() if name not in run}, agent=small)


def test_an_algorithm_is_added_by_its_entry(noisy: NoisyRun) -> None:
    assert presets()["noisy"] == "noisy"
    chosen = choose("noisy", None, "probe/both")
    assert (chosen.preset, chosen.agent.noise) == ("noisy", 0.2)  # type: ignore[attr-defined]
    validate.check(noisy, Path("runs/none"))
    assert from_json(json.loads(json.dumps(to_json(noisy)))) == noisy
    env = make_env(noisy, "train")
    agent = make_agent(noisy, env)
    assert type(agent) is NoisyAgent and agent.target("q").name == "q"
    learning = algorithm_of(noisy).make_learning(noisy, env, agent)
    assert any(next(learning.steps).updates for _ in range(noisy.warmup_steps + 2))
    env.close()


def test_its_numbers_are_checked(noisy: NoisyRun) -> None:
    wrong = dataclasses.replace(noisy, agent=dataclasses.replace(noisy.agent, noise=-1.0))
    with pytest.raises(ValueError, match=r"^noise: must be at least 0, got -1\.0$"):
        validate.check(wrong, Path("runs/none"))


def test_an_unknown_algorithm_is_told_in_one_place() -> None:
    for refused in (lambda: algorithm_named("dqn"), lambda: from_json(to_json(tiny()) | {"algo": "dqn"})):
        with pytest.raises(ValueError, match=f"^algo: unknown algorithm 'dqn'; known: {', '.join(ALGORITHMS)}$"):
            refused()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_entry_holds_together(name: str) -> None:
    entry = ALGORITHMS[name]
    assert entry.run().algo == name and entry.run().preset == next(iter(entry.presets))
    assert all(presets()[preset] == name for preset in entry.presets)


def test_what_is_stored_and_how_a_measurement_is_shortened() -> None:
    run, rollout = tiny(frames=10**6), tiny_ppo()
    assert SAC.stored(run, 16).bytes == SAC.stored(run, 16).number * 3 * 16 * 16
    steps = rollout.agent.num_steps
    assert ALGORITHMS["ppo"].stored(rollout, 16).bytes == steps * rollout.num_envs * 3 * rollout.frame_stack * 16 * 16
    assert SAC.shortened(tiny(warmup_steps=5_000)).warmup_steps == 1 + 20
    short = ALGORITHMS["ppo"].shortened(tiny_ppo({"num_steps": 300, "num_minibatches": 100}))
    assert short.agent.num_steps == max(16, -(-100 // rollout.num_envs))
