import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from rad.agents.sac import SACConfig
from rad.envs.options import SuiteOptions
from rad.envs.procgen.options import ProcgenOptions
from rad.experiment.algorithms import ALGORITHMS
from rad.experiment.algorithms.sac import SACRun
from rad.experiment.config_file import from_json, read_config, to_json
from rad.experiment.presets import preset, presets


def changed(name: str) -> set[str]:
    """Return the fields in which a preset differs from the defaults."""
    config, default = preset(name), ALGORITHMS[presets()[name]].run()
    run = {f.name for f in dataclasses.fields(config) if getattr(config, f.name) != getattr(default, f.name)}
    agent = {name for name, value in vars(config.agent).items() if value != vars(default.agent)[name]}
    return (run | agent) - {"preset", "agent", "suite"}  # the last follows from the task


def test_the_defaults_are_rads() -> None:
    agent = preset("rad").agent
    assert changed("rad") == set()
    # Laskin et al. 2020, appendix: table of hyperparameters for DMControl; batch as in its scripts
    assert (agent.batch_size, agent.gamma, agent.init_temperature) == (128, 0.99, 0.1)
    assert (agent.actor_lr, agent.critic_lr, agent.alpha_lr, agent.alpha_beta1) == (1e-3, 1e-3, 1e-4, 0.5)
    assert (agent.critic_tau, agent.encoder_tau) == (0.01, 0.05)
    assert (agent.actor_update_freq, agent.target_update_freq) == (2, 2)
    assert (agent.log_std_min, agent.log_std_max) == (-10, 2)
    assert (agent.hidden_dim, agent.projection_dim, agent.projection_tanh) == (1024, 50, False)
    assert (SACRun.warmup_steps, SACRun.replay_capacity, SACRun.frame_stack) == (1_000, 100_000, 3)


def test_cheetah_has_a_smaller_learning_rate_under_rad() -> None:
    agent = preset("rad", "dmc/cheetah-run").agent
    assert (agent.actor_lr, agent.critic_lr, agent.alpha_lr) == (2e-4, 2e-4, 1e-4)
    assert preset("rad", "dmc/walker-walk").agent == SACConfig()


def test_drqs_numbers() -> None:
    config = preset("drq", "dmc/cheetah-run")
    agent = config.agent
    assert (config.task, config.augment) == ("dmc/cheetah-run", "shift")
    assert (agent.target_views, agent.critic_views) == (2, 2)
    assert {agent.actor_lr, agent.critic_lr, agent.alpha_lr} == {1e-3}
    assert {agent.critic_tau, agent.encoder_tau} == {0.01}
    assert (agent.batch_size, agent.alpha_beta1, agent.projection_tanh) == (512, 0.9, True)


def test_sveas_numbers() -> None:
    config = preset("svea", "dmc/walker-walk")
    assert (config.augment, config.agent.strong_augment, config.agent.strong_weight) == ("shift", "random_conv", 0.5)
    assert (config.encoder, config.frames, config.agent.batch_size) == ("pixel:num_layers=11", 500_000, 128)


def test_a_preset_keeps_the_name_and_takes_the_task() -> None:
    assert preset("demo").preset == "demo"
    assert preset("demo").task == "dmc/cheetah-run"
    assert preset("demo", "dmc/walker-stand").task == "dmc/walker-stand"
    assert preset("rad").task == SACRun().task


@pytest.mark.parametrize("name", presets())
def test_every_preset_names_its_source_and_changes_only_what_it_lists(name: str) -> None:
    listed = ALGORITHMS[presets()[name]].presets[name]
    assert len(listed.source) > 20
    assert changed(name) <= listed.run.keys() | listed.agent.keys()
    assert preset(name).out is None  # a second run, with another seed, would stand in its way


def test_an_unknown_preset() -> None:
    with pytest.raises(ValueError, match=r"^preset: unknown preset 'rda'; known: rad, drq, svea, lean, demo"):
        preset("rda")


@pytest.mark.parametrize(
    "config",
    [*map(preset, presets()), SACRun(out=Path("some/where"), agent=SACConfig(gamma=0.9))],
    ids=[*presets(), "own"],
)
def test_json_and_back(config: SACRun) -> None:
    text = json.dumps(to_json(config), allow_nan=False)
    assert from_json(json.loads(text)) == config


@pytest.mark.parametrize(
    ("part", "change", "name"),
    [
        (lambda plain: plain, lambda fields: fields.update(color=1), "color"),
        (lambda plain: plain, lambda fields: fields.pop("task"), "task"),
        (lambda plain: plain["agent"], lambda fields: fields.update(color=1), "color"),
        (lambda plain: plain["agent"], lambda fields: fields.pop("gamma"), "gamma"),
    ],
)
def test_a_configuration_of_another_version_is_refused(part: Any, change: Any, name: str) -> None:
    plain = to_json(SACRun())
    change(part(plain))
    with pytest.raises(ValueError, match=f"differ in the fields {name}$"):
        from_json(plain)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("", "frames", "300"),
        ("", "frames", 1.5),
        ("", "tensorboard", 1),
        ("", "augment", None),
        ("agent", "gamma", "1"),
    ],
)
def test_values_of_a_wrong_type_are_refused(part: str, field: str, value: Any) -> None:
    plain = to_json(SACRun())
    (plain[part] if part else plain)[field] = value
    with pytest.raises(ValueError, match=f"^it has {field} {value!r}; expected a value such as "):
        from_json(plain)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"algo": "dqn"}, "algo: unknown algorithm 'dqn'; known: sac, ppo"),
        ({"algo": ["sac"]}, "unhashable"),
        ({"task": 5}, "'int' object"),
        ({"agent": 5}, "'int' object"),
        ({"frames": "300"}, "it has frames '300'; expected a value such as 100000"),
        ({"color": 1}, "it and this version of rad differ in the fields color"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(to_json(SACRun()) | change))
    with pytest.raises(ValueError, match=f"^{path} cannot be read: {said}"):
        read_config(tmp_path)


def test_a_run_without_its_plugins_names_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(to_json(SACRun()) | {"plugins": ["ours", "my mine.py"]}))
    said = "was made with ours, my mine.py; add --plugin ours --plugin 'my mine.py', files by where they are now"
    with pytest.raises(ValueError, match=f"^plugin: {tmp_path} {said}$"):
        read_config(tmp_path)


@pytest.mark.parametrize(("text", "said"), [("{}", "it has no 'algo'"), ("null", "it is a JSON NoneType")])
def test_a_file_of_something_else_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=f"^{tmp_path}/config.json cannot be read: {said}"):
        read_config(tmp_path)


def test_a_whole_number_may_stand_for_a_float() -> None:
    plain = to_json(SACRun())
    plain["updates_per_step"] = 1
    assert from_json(plain).updates_per_step == 1


def test_options_are_those_of_the_tasks_suite() -> None:
    config = ALGORITHMS["ppo"].run(task="procgen/maze")
    assert config.suite == ProcgenOptions() and SACRun().suite == SuiteOptions()
    assert dataclasses.replace(config, task="gym/CartPole-v1").suite == SuiteOptions()
    hard = dataclasses.replace(config, suite=ProcgenOptions("hard"))
    assert dataclasses.replace(hard, task="procgen/leaper").suite == ProcgenOptions("hard")
    with pytest.raises(ValueError, match=r"^suite: has no meaning for gym/CartPole-v1, got ProcgenOptions\("):
        dataclasses.replace(hard, task="gym/CartPole-v1")


def test_a_run_cannot_change_its_configuration() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SACRun().seed = 2  # type: ignore[misc]
