"""Settings of earlier versions load, under the names that they have now."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from rad.envs.options import SuiteOptions
from rad.envs.procgen.options import ProcgenOptions
from rad.experiment.config import values
from rad.experiment.config_file import from_json, to_json
from rad.experiment.presets import preset, presets
from rad.report.read.groups import flat
from rad.runtime.migrate import migrate
from rad.sweep import manifest

RESULTS = Path(__file__).parents[3] / "results"


@pytest.mark.parametrize(
    ("run", "encoder"),
    [
        ("augmentations/dmc-cheetah-run/crop/seed-1", "pixel:num_filters=16"),
        ("pairs/dmc-cheetah-run/crop+translate/seed-1", "pixel:num_filters=16"),
    ],
)
def test_run_folders_of_an_earlier_version_load(run: str, encoder: str) -> None:
    plain = json.loads((RESULTS / run / "config.json").read_text())
    assert {"num_layers", "num_filters", "width"} <= plain.keys()
    config = from_json(plain)
    assert (config.encoder, config.auxiliary_loss) == (encoder, "none")
    assert (config.agent.actor_features, config.agent.target_encoder) == ("after", True)
    assert config.replay_device == "auto"


# As the version before wrote it: options of Procgen are a field of every run of PPO, nested in the files of runs
# and flat in those of sweeps.
BEFORE = json.loads((Path(__file__).parent / "suite_options_of_ppo.json").read_text())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ppo-procgen", ProcgenOptions("hard", num_levels=500, score_constants="train-procgen")),
        ("ppo-gym", SuiteOptions()),
        ("sac-dmc", SuiteOptions()),
    ],
)
def test_options_of_procgen_were_fields_of_ppo(name: str, options: SuiteOptions) -> None:
    plain = BEFORE["configs"][name]
    assert ("procgen" in plain) == name.startswith("ppo") and "suite" not in plain
    config = from_json(plain)
    assert config.suite == options
    now = values(config)
    for field, value in flat(plain).items():
        if field in now and field not in ("out", "background_dir"):
            assert now[field] == value, field
    assert flat(plain).keys() - now.keys() == (set(vars(ProcgenOptions())) if name == "ppo-gym" else set())


@pytest.mark.parametrize("name", BEFORE["sweeps"])
def test_a_sweep_of_before_goes_on(name: str, tmp_path: Path) -> None:
    record, config = BEFORE["sweeps"][name], from_json(BEFORE["configs"][name])
    manifest.check(record, [], lambda task, swept: config, tmp_path)
    other = dataclasses.replace(config, agent=dataclasses.replace(config.agent, gamma=0.5))
    with pytest.raises(ValueError, match=r"^gamma: .* got 0\.5; only task"):
        manifest.check(record, [], lambda task, swept: other, tmp_path)


def old(**fields: Any) -> dict[str, Any]:
    return {"encoder": "pixel", "num_layers": 0, "num_filters": 0, "width": 0} | fields


def test_options_of_encoders_go_into_their_text() -> None:
    assert migrate(old())["encoder"] == "pixel"
    assert migrate(old(num_layers=11, num_filters=8))["encoder"] == "pixel:num_layers=11:num_filters=8"


def test_flat_settings_are_brought_into_the_same_form() -> None:
    flat = migrate(old(algo="sac", batch_size=5))
    assert flat == {
        "algo": "sac",
        "encoder": "pixel",
        "batch_size": 5,
        "eval_policy": "mode",
        "replay_device": "auto",
        "capture": False,
        "auxiliary_loss": "none",
        "eval_workers": 0,
        "keep_best": False,
        "actor_features": "after",
        "target_encoder": True,
        "tanh_floor": 0.0,
    }


def test_how_a_run_of_ppo_is_evaluated_is_not_guessed() -> None:
    assert "eval_policy" not in migrate({"algo": "ppo", "encoder": "impala"})


@pytest.mark.parametrize("plain", [{"encoder": {"layers": 2}}, {"agent": "smith"}, {"algo": ["sac"]}, {}])
def test_files_of_something_else_are_left_as_they_are(plain: dict[str, Any]) -> None:
    assert migrate(plain) == plain


@pytest.mark.parametrize("name", presets())
def test_settings_of_this_version_stay_as_they_are(name: str) -> None:
    plain = to_json(preset(name))
    assert list(migrate(plain).items()) == list(plain.items())
    assert migrate(migrate(plain)) == plain
