import json
import math
import re
import sys

import pytest
import torch

from rad.runtime import logging
from rad.runtime.logging import Averages, RunLog
from rad.runtime.metrics_file import last_rows, read_rows
from rad.settings import SettingError


def lines(folder):
    return (folder / "metrics.jsonl").read_text().splitlines()


def frames_of(folder):
    return [json.loads(line)["frames"] for line in lines(folder)]


@pytest.fixture
def log(tmp_path):
    with RunLog(tmp_path, tensorboard=False) as log:
        yield log


# averages


def test_means_of_tensors_and_numbers():
    averages = Averages()
    averages.add({"loss": torch.tensor(1.0), "lr": 0.5})
    averages.add({"loss": torch.tensor(4.0), "rare": torch.tensor(7)})
    assert averages.pop() == {"loss": 2.5, "lr": 0.5, "rare": 7.0}
    assert averages.pop() == {}


def test_a_name_may_come_as_a_tensor_and_as_a_number():
    averages = Averages()
    averages.add({"x": torch.tensor(1.0)})
    averages.add({"x": 2.0})
    assert averages.pop() == {"x": 1.5}


def test_only_pop_waits_for_the_device(monkeypatch):
    averages = Averages()
    for name in ("item", "tolist", "cpu", "numpy", "to", "__float__", "__bool__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, lambda *a, **k: pytest.fail("copied to the host"))
    for _ in range(3):
        averages.add({"loss": torch.ones(())})
    assert isinstance(averages.state_dict()["sums"]["loss"], torch.Tensor)
    with pytest.raises(pytest.fail.Exception, match="copied to the host"):
        averages.pop()


def test_the_graph_is_let_go():
    averages = Averages()
    averages.add({"loss": torch.ones((), requires_grad=True) * 2})
    assert not averages.state_dict()["sums"]["loss"].requires_grad


def test_a_metric_changed_in_place_later_counts_as_it_was():
    averages, metric = Averages(), torch.tensor(1.0)
    averages.add({"x": metric})
    metric.fill_(100.0)
    assert averages.pop() == {"x": 1.0}


def test_low_precision_is_summed_in_float32():
    averages = Averages()
    for _ in range(1000):  # bfloat16 would stop at 256
        averages.add({"x": torch.ones((), dtype=torch.bfloat16)})
    assert averages.pop() == {"x": 1.0}


def test_a_metric_with_axes_is_refused():
    with pytest.raises(ValueError, match=r"metric 'x' must be a 0-d tensor or a number, got shape \[2\]"):
        Averages().add({"x": torch.zeros(2)})


# rows


def test_a_row_is_one_line_of_json(log, tmp_path):
    log.write("train", {"loss": 0.5, "updates": 3}, frames=8, agent_steps=1)
    (row,) = map(json.loads, lines(tmp_path))
    assert list(row) == ["kind", "frames", "agent_steps", "time_s", "loss", "updates"]
    assert row["kind"] == "train" and row["frames"] == 8 and row["agent_steps"] == 1
    assert row["loss"] == 0.5 and row["updates"] == 3.0
    assert row["time_s"] >= 0


def test_a_row_is_in_the_file_at_once(log, tmp_path):
    log.write("train", {}, frames=1, agent_steps=1)
    assert len(lines(tmp_path)) == 1


def test_non_finite_numbers_are_null(log, tmp_path):
    log.write("train", {"a": math.nan, "b": math.inf, "c": 1.0}, frames=1, agent_steps=1)
    row = json.loads(lines(tmp_path)[0], parse_constant=pytest.fail)
    assert (row["a"], row["b"], row["c"]) == (None, None, 1.0)


def test_reserved_names_are_refused(log, tmp_path):
    with pytest.raises(ValueError, match="reserved names frames, kind"):
        log.write("train", {"kind": 1.0, "frames": 2.0}, frames=1, agent_steps=1)
    assert lines(tmp_path) == []


def test_truncate_drops_the_rows_beyond(log, tmp_path):
    for frames in (10, 20, 30):
        log.write("train", {}, frames=frames, agent_steps=frames)
    log.truncate(20)
    assert frames_of(tmp_path) == [10, 20]
    log.write("train", {}, frames=25, agent_steps=25)
    assert frames_of(tmp_path) == [10, 20, 25]


def test_truncate_to_nothing(log, tmp_path):
    log.write("train", {}, frames=10, agent_steps=10)
    log.truncate(0)
    assert frames_of(tmp_path) == []


@pytest.mark.parametrize("torn", ['{"kind": "train", "fra', '{"kind"', "\x00\x00", "[1]", '{"kind": "train"}'])
def test_a_torn_last_line_goes(tmp_path, torn):
    with RunLog(tmp_path, tensorboard=False) as log:
        log.write("train", {}, frames=10, agent_steps=10)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(torn)
    assert [row["frames"] for row in read_rows(tmp_path / "metrics.jsonl")] == [10]
    with RunLog(tmp_path, tensorboard=False) as log:
        log.write("train", {}, frames=20, agent_steps=20)
    assert frames_of(tmp_path) == [10, 20]


def test_a_damaged_line_before_the_last_is_named_and_stays(tmp_path):
    good = '{{"kind": "train", "frames": {}, "agent_steps": 1, "time_s": 1.0}}\n'
    text = good.format(1) + "garbage\n" + good.format(2)
    (tmp_path / "metrics.jsonl").write_text(text)
    for read in (read_rows, lambda path: RunLog(path.parent, tensorboard=False)):
        with pytest.raises(ValueError, match=r"metrics.jsonl' line 2 is not JSON"):
            read(tmp_path / "metrics.jsonl")
    assert (tmp_path / "metrics.jsonl").read_text() == text


def test_a_file_that_needs_no_change_is_not_rewritten(tmp_path):
    with RunLog(tmp_path, tensorboard=False) as log:
        log.write("train", {"x": 0.1}, frames=10, agent_steps=10)
        before = (tmp_path / "metrics.jsonl").stat().st_ino
        log.truncate(10)
        assert (tmp_path / "metrics.jsonl").stat().st_ino == before


def test_a_failed_rewrite_leaves_the_old_file(log, tmp_path, monkeypatch):
    for frames in (10, 20):
        log.write("train", {}, frames=frames, agent_steps=frames)
    monkeypatch.setattr("os.replace", lambda *names: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(OSError, match="no"):
        log.truncate(10)
    monkeypatch.undo()
    assert frames_of(tmp_path) == [10, 20]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_time_goes_on_after_a_resume(tmp_path):
    row = {"kind": "train", "agent_steps": 1, "time_s": 500.0}
    rows = [{**row, "frames": 10}, {**row, "frames": 20, "time_s": 900.0}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with RunLog(tmp_path, tensorboard=False) as log:
        log.truncate(10)
        log.write("train", {}, frames=11, agent_steps=11)
    assert 500 <= json.loads(lines(tmp_path)[-1])["time_s"] < 900


def test_closing_twice_is_harmless(tmp_path):
    log = RunLog(tmp_path)
    log.close()
    log.close()


# TensorBoard


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    return {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def test_tensorboard_gets_scalars_over_frames(tmp_path):
    with RunLog(tmp_path) as log:
        log.write("eval", {"episode_return": 5.0}, frames=80, agent_steps=10)
    assert events(tmp_path) == {"eval/episode_return": [(80, 5.0)]}


def test_tensorboard_forgets_what_a_resume_takes_back(tmp_path):
    with RunLog(tmp_path) as log:
        for frames in (10, 20, 30):
            log.write("train", {"x": frames}, frames=frames, agent_steps=frames)
    with RunLog(tmp_path) as log:
        log.truncate(20)
        log.write("train", {"x": -1.0}, frames=25, agent_steps=25)
    assert events(tmp_path) == {"train/x": [(10, 10.0), (20, 20.0), (25, -1.0)]}


def test_without_tensorboard_there_is_no_folder(log, tmp_path):
    log.write("train", {"x": 1.0}, frames=1, agent_steps=1)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


# Weights & Biases


def test_a_missing_wandb_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ModuleNotFoundError, match=r"^wandb_project needs wandb: pip install 'rad-rl\[wandb\]'$"):
        RunLog(tmp_path, tensorboard=False, wandb_project="test")


class FakeWandb:
    Error = ConnectionError
    problem = ""

    def __init__(self):
        self.inits, self.rows, self.finished = [], [], 0

    def init(self, **options):
        if self.problem:
            raise self.Error(self.problem)
        self.inits.append(options)
        return self

    def define_metric(self, name, step_metric):
        assert step_metric == "frames"

    def log(self, row):
        self.rows.append(row)

    def finish(self):
        self.finished += 1


def test_wandb_gets_named_rows_and_a_resumed_run_keeps_its_id(tmp_path, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for frames in (1, 2):
        with RunLog(tmp_path, tensorboard=False, wandb_project="p") as log:
            log.write("train", {"x": 3.0}, frames=frames, agent_steps=frames)
    assert fake.rows == [{"train/x": 3.0, "frames": n, "agent_steps": n} for n in (1, 2)]
    first, second = fake.inits
    assert first["id"] == second["id"] and first["resume"] == "allow" and first["project"] == "p"
    assert fake.finished == 2
    assert logging._wandb_id(tmp_path) != logging._wandb_id(tmp_path / "..")


def test_wandb_without_a_login_is_one_line_that_says_how_to_go_on(tmp_path, monkeypatch):
    fake = FakeWandb()
    fake.problem = "api_key not configured"
    monkeypatch.setitem(sys.modules, "wandb", fake)
    said = f"W&B cannot log to p: api_key not configured; once it can, {tmp_path} can be resumed;"
    with pytest.raises(SettingError, match=f"^wandb_project: {re.escape(said)} WANDB_MODE=offline needs no login$"):
        RunLog(tmp_path, tensorboard=False, wandb_project="p")


@pytest.mark.slow
def test_wandb_names_tell_the_runs_of_a_sweep_apart(tmp_path):
    assert logging._wandb_name(tmp_path / "dmc-walker-walk" / "crop" / "seed-1") == "dmc-walker-walk/crop/seed-1"
    assert logging._wandb_name(tmp_path / "walker-crop-1") == "walker-crop-1"


@pytest.mark.slow
def test_wandb_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("CACHE", "CONFIG", "DATA", "ARTIFACT"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / "home"))
    with RunLog(tmp_path / "run", tensorboard=False, wandb_project="test") as log:
        log.write("train", {"x": 3.0}, frames=1, agent_steps=1)
    assert list((tmp_path / "run").glob("wandb/offline-run-*/*.wandb"))


def test_the_last_rows_are_those_that_are_whole_in_the_last_bytes(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert last_rows(path) == []
    rows = [{"kind": "train", "frames": n, "agent_steps": n, "time_s": 0.5} for n in range(10, 100)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"kind": "tr')
    assert last_rows(path) == rows
    assert last_rows(path, 200) == rows[-2:]
