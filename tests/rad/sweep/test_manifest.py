import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rad.commands.train import parse_run
from rad.runtime import plugins
from rad.sweep import manifest
from rad.sweep.grid import Grid, configured, trials


def recorded(
    out: Path, typed: str = "--frames 70", swept: dict[str, list[str]] | None = None, **axes: Sequence[Any]
) -> None:
    """Do with the record what the command does."""
    words, swept = typed.split(), swept or {}
    result = {"tasks": ["probe/both"], "augments": ["none"], "seeds": [1]} | axes
    made = trials(Grid(**result, overrides=swept), words, parse_run, out)
    old = manifest.read(out)
    if old:
        manifest.check(old, list(swept), lambda task, values: configured(task, values, words, parse_run), out)
    manifest.write(out, manifest.merge(old, made, ["rad", "ablate", *words]))


def test_the_same_command_goes_on_and_more_runs_are_added(tmp_path: Path) -> None:
    recorded(tmp_path)
    text = (tmp_path / "sweep.json").read_text()
    recorded(tmp_path)
    assert (tmp_path / "sweep.json").read_text() == text
    recorded(tmp_path, "--frames=70")
    recorded(tmp_path, augments=["crop"], seeds=[2, 3])
    recorded(tmp_path, tasks=["dmc/cheetah-run"])
    result = json.loads((tmp_path / "sweep.json").read_text())
    assert result["runs"] == [
        "probe-both/none/seed-1",
        "probe-both/crop/seed-2",
        "probe-both/crop/seed-3",
        "dmc-cheetah-run/none/seed-1",
    ]
    assert result["commands"] == [["rad", "ablate", "--frames=70"], ["rad", "ablate", "--frames", "70"]]
    assert [group["task"] for group in result["groups"]] == ["probe/both", "dmc/cheetah-run"]
    assert [group["settings"]["actor_lr"] for group in result["groups"]] == [1e-3, 2e-4]


@pytest.mark.parametrize("axes", [{}, {"tasks": ["dmc/cheetah-run"]}, {"seeds": [5]}])
def test_other_settings_are_refused_whatever_runs_are_asked_for(tmp_path: Path, axes: dict[str, Any]) -> None:
    recorded(tmp_path)
    with pytest.raises(ValueError, match=r"^frames: \S+ is a sweep with 70, got 80; only .*choose another --out$"):
        recorded(tmp_path, "--frames 80", **axes)
    with pytest.raises(ValueError, match=r"^preset: \S+ is a sweep with rad, got drq"):
        recorded(tmp_path, "--frames 70 --preset drq", **axes)


def test_plugins_may_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugins.VARIABLE, "")
    recorded(tmp_path)
    record = json.loads((tmp_path / "sweep.json").read_text())
    record["groups"][0]["settings"]["plugins"] = ["/old/place.py"]  # as version 0.2.0 wrote it
    (tmp_path / "sweep.json").write_text(json.dumps(record))
    monkeypatch.setenv(plugins.VARIABLE, "/new/place.py")
    recorded(tmp_path, seeds=[2])
    assert "plugins" not in json.loads((tmp_path / "sweep.json").read_text())["groups"][0]["settings"]


def test_values_of_a_swept_field_are_added_and_other_fields_are_refused(tmp_path: Path) -> None:
    recorded(tmp_path, swept={"gamma": ["0.5"]})
    recorded(tmp_path, swept={"gamma": ["0.9"]})
    assert len(manifest.read(tmp_path)["groups"]) == 2  # type: ignore[index]
    with pytest.raises(ValueError, match=r"^sweep: \S+ varies gamma, got nothing; choose another --out$"):
        recorded(tmp_path)
    with pytest.raises(ValueError, match=r"^sweep: \S+ varies gamma, got gamma, n_step"):
        recorded(tmp_path, swept={"gamma": ["0.9"], "n_step": ["1"]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 1, "runs": [], "groups": [{}]}',
        '{"schema": 1, "runs": 5, "groups": []}',
        '{"schema": 1, "groups": []}',
        "null",
    ],
)
def test_a_record_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(ValueError, match=r"^out: \S+sweep.json cannot be read: "):
        manifest.read(tmp_path)


def test_a_record_of_a_later_version(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text('{"schema": 2, "runs": [], "groups": []}')
    with pytest.raises(ValueError, match="has schema 2; this version reads 1"):
        manifest.read(tmp_path)


def test_no_record(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) is None


def test_a_sweep_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """Options of encoders were fields of their own, and those of DrQ-v2 were not there."""
    recorded(tmp_path, "--frames 70 --encoder pixel:num_filters=8")
    result = json.loads((tmp_path / "sweep.json").read_text())
    (group,) = result["groups"]
    for name in ("actor_features", "target_encoder"):
        del group["settings"][name]
    group["settings"] |= {"encoder": "pixel", "num_layers": 0, "num_filters": 8, "width": 0}
    (tmp_path / "sweep.json").write_text(json.dumps(result))
    recorded(tmp_path, "--frames 70 --encoder pixel:num_filters=8", seeds=[2])
    with pytest.raises(ValueError, match=r"^encoder: .* is a sweep with pixel:num_filters=8, got pixel;"):
        recorded(tmp_path, "--frames 70")
