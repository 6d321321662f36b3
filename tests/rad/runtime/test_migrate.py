"""Settings of earlier versions load, under the names that they have now."""

import json
from pathlib import Path
from typing import Any

import pytest

from rad.experiment.config import from_json, to_json
from rad.experiment.presets import PRESETS, preset
from rad.runtime.migrate import migrate

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
        "auxiliary_loss": "none",
        "actor_features": "after",
        "target_encoder": True,
    }


@pytest.mark.parametrize("plain", [{"encoder": {"layers": 2}}, {"agent": "smith"}, {"algo": ["sac"]}, {}])
def test_files_of_something_else_are_left_as_they_are(plain: dict[str, Any]) -> None:
    assert migrate(plain) == plain


@pytest.mark.parametrize("name", PRESETS)
def test_settings_of_this_version_stay_as_they_are(name: str) -> None:
    plain = to_json(preset(name))
    assert list(migrate(plain).items()) == list(plain.items())
    assert migrate(migrate(plain)) == plain
