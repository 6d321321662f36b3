import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rad import __version__, cli
from rad.commands.train import MOST_USED, parse_run
from rad.experiment import validate
from rad.experiment.algorithms import ALGORITHMS
from rad.experiment.algorithms.sac import SACRun
from rad.experiment.config_file import read_config, to_json
from rad.experiment.presets import preset
from rad.report.draw import result_tables
from rad.runtime.checkpoint import CheckpointError
from rad.runtime.processes.signals import if_stopped
from rad.settings import flag_name
from tests.rad.report.folders import make_run

PROBE = (
    "--task",
    "probe/both",
    "--image-size",
    "16",
    "--encoder",
    "pixel:num_layers=2",
    "--augment",
    "none",
    "--tensorboard",
)


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Stand in an empty folder, and note what would be trained instead of training it."""
    calls: list[Any] = []
    fake = SimpleNamespace(
        start=lambda config, folder, pictures, ranks: calls.append((config, folder)) or 7,
        resume=lambda folder, pictures, ranks: calls.append(folder) or 8,
        NO_PICTURES={},
        Picture=Any,
    )
    monkeypatch.setitem(sys.modules, "rad.training.trainer", fake)
    monkeypatch.setitem(sys.modules, "rad.training.pictures", SimpleNamespace(PICTURES={}))
    monkeypatch.chdir(tmp_path)
    return calls


def options(kind: Any) -> list[tuple[str, Any]]:
    """Return the flag and the default of every field."""
    values = dataclasses.asdict(kind)
    return [(flag_name(name), value) for name, value in values.items() if name not in ("agent", "suite")]


# What is typed after `rad train`, the flag that must be named, what must be said of it.
BAD: list[tuple[list[str], str, str]] = [
    (["--task", "probe/nope"], "--task", "unknown task 'probe/nope'; known: value"),
    (["--task", "nope"], "--task", "unknown suite of task 'nope'; known: dmc, gym, probe"),
    (["--task", "gym/Nope-v0"], "--task", "unknown task 'gym/Nope-v0'"),
    (["--task", "probe/both-discrete"], "--algo", "has discrete actions, which sac cannot take; allowed: ppo"),
    (["--augment", "crp"], "--augment", "unknown augmentation 'crp'; known: none, crop"),
    (["--augment", "{gamma}"], "--augment", "unknown augmentation '{gamma}'; known: none, crop"),
    (["--augment", "crop:ratio=x"], "--augment", "ratio must be a number, got 'x'"),
    (["--augment", "crop+"], "--augment", "empty link"),
    (["--image-size", "3"], "--image-size", "must be 0 (the default) or from 16 to 1024, got 3"),
    (["--image-size", "-5"], "--image-size", "got -5"),
    (["--image-size", "16", "--encoder", "pixel:num_layers=12"], "--image-size", "too small"),
    (["--frames", "0"], "--frames", "must be at least 1, got 0"),
    (["--frames", "-1"], "--frames", "must be at least 1, got -1"),
    (["--frames", "abc"], "--frames", "'abc'"),
    (["--frames", "1.5"], "--frames", "must be a whole number such as 100000, 100_000 or 1e5, got '1.5'"),
    (["--frames", "1e-1"], "--frames", "must be a whole number"),
    (["--frames"], "--frames", "Missing value"),
    (["--batch-size", "0"], "--batch-size", "must be from 1 to 65,536, got 0"),
    (["--hidden-dim", "100000"], "--hidden-dim", "must be from 1 to 65,536, got 100000"),
    (["--out", "x" * 300], "--out", "cannot be made: File name too long"),
    (["--actor-lr", "nan"], "--actor-lr", "must be above 0, got nan"),
    (["--gamma", "x"], "--gamma", "must be a number such as 0.5 or 1e-3, got 'x'"),
    (["--gamma", "1.5"], "--gamma", "must be above 0 and at most 1, got 1.5"),
    (["--preset", "rda"], "--preset", "unknown preset 'rda'; known: rad, drq, svea, lean, demo"),
    (["--device", "tpu"], "--device", "unknown device 'tpu'; known: auto, cpu, cuda"),
    (["--precision", "fp8"], "--precision", "invalid choice 'fp8'"),
    (["--algo", "dqn"], "--algo", "unknown algorithm 'dqn'; known: sac, ppo"),
    (["--algo", "drq"], "--algo", "unknown algorithm 'drq'; known: sac, ppo, impala; drq is a preset: --preset drq"),
    (["--algo", "ppo", "--preset", "drq"], "--preset", "drq is of sac; presets of ppo: ppo, rad-procgen, drac, ucb-"),
    (["--out", "taken"], "--out", "taken exists; choose another name"),
    (["--out", "taken/file/run"], "--out", "taken/file/run cannot be made"),
    (["--nope", "3"], "--nope", "Unrecognized options: --nope, 3"),
    (["--image-sise", "3"], "--image-sise", "Perhaps you meant: --image-size INT"),
    (["--tensorboard", "maybe"], "", "maybe"),
    (["--share-draw", "--critic-views", "2"], "--share-draw", "got 1 and 2"),
    (["--log-std-min", "3"], "--log-std-min", "must be below --log-std-max 2.0, got 3.0"),
    (["--strong-augment", "crp"], "--strong-augment", "unknown augmentation 'crp'"),
    (["--camera-id", "5"], "--camera-id", "5 is impossible for probe tasks; allowed: 0"),
    (["--render-quality", "fast"], "--render-quality", "allowed: paper"),
    (["--replay-capacity", "3"], "--replay-capacity", "must be at least 5"),
    (["--n-step", "1200"], "--warmup-steps", "must be at least 1200"),
    (["--resume", "nowhere"], "--resume", "no such file or folder: nowhere"),
    (["--resume", "taken/file"], "--resume", "taken/file is no run folder"),
    (["--resume", "taken"], "--resume", "cannot be read"),
    (["--resume"], "--resume", "needs a run folder"),
    (["--resume", "taken", "--seed", "5"], "--resume", "allows no other flag but --frames, got --resume taken --seed"),
    (["--resume=taken", "--seed=5", "--frames=5"], "--resume", "allows no other flag but --frames"),
    (["--resume", "--frames", "5"], "--resume", "allows no other flag but --frames"),
]


@pytest.mark.parametrize(("typed", "flag", "said"), BAD, ids=[" ".join(typed) for typed, *_ in BAD])
def test_wrong_input_gives_one_line_and_makes_nothing(
    typed: list[str], flag: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, started: list[Any]
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    (tmp_path / "taken" / "config.json").write_text("{")
    before = sorted(tmp_path.rglob("*"))
    resuming = typed[0].startswith("--resume")
    assert cli.main(["train", *([] if resuming else PROBE), *typed]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith(f"error: {flag}") and said in captured.err
    assert not re.search("[│─╭╮]|---|helptext", captured.err)
    assert sorted(tmp_path.rglob("*")) == before and started == []


def test_a_replay_larger_than_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, started: list[Any]
) -> None:
    monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 1_000)
    assert cli.main(["train", *PROBE]) == 2
    assert capsys.readouterr().err.startswith(
        "error: --replay-capacity: 100,000 frames of 16x16 pixels need 0.1 GB, but "
    )
    assert started == []


def test_an_unknown_dmc_task_names_the_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--task", "dmc/cartpole-swingupp"]) == 2
    assert "error: --task: unknown task 'dmc/cartpole-swingupp'; did you mean dmc/cartpole-swingup?; known: acro" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("typed", ["vaule", "prob/vaule"])
def test_a_task_without_its_suite_is_suggested_with_it(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--task", typed]) == 2
    said = f"error: --task: unknown suite of task '{typed}'; did you mean probe/value?; known: dmc, gym, probe, procgen"
    assert said in capsys.readouterr().err


def test_a_discrete_gym_task_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", *PROBE, "--task", "gym/tests.rad.envs.painted:Painted-v0"]) == 2
    assert "has discrete actions, which sac cannot take; allowed: ppo" in capsys.readouterr().err


def test_train_starts_what_was_asked_for_and_returns_its_status(started: list[Any]) -> None:
    assert cli.main(["train", *PROBE, "--frames", "50", "--gamma", "0.9", "--out", "here"]) == 7
    ((config, folder),) = started
    assert folder == Path("here")
    assert (config.task, config.frames, config.agent.gamma, config.tensorboard) == ("probe/both", 50, 0.9, True)


def test_the_default_folder_tells_task_algorithm_augmentation_and_seed(started: list[Any]) -> None:
    cli.main(["train", *PROBE, "--augment", "crop+flip/rotate", "--seed", "3"])
    assert started[0][1] == Path("runs/probe-both-sac-crop+flip|rotate-3")
    cli.main(["train", *PROBE, "--augment", "crop:ratio=1.5"])
    assert started[1][1] == Path("runs/probe-both-sac-crop-ratio=1.5-1")  # no colon, where a host would end
    cli.main(["train", "--preset", "demo", *PROBE, "--seed", "7", "--render-quality", "paper"])
    assert started[2][1] == Path("runs/probe-both-sac-none-7")


@pytest.mark.parametrize("typed", [["--resume", "run"], ["--resume=run"]])
def test_resume_goes_on_with_the_folder(typed: list[str], started: list[Any]) -> None:
    Path("run").mkdir()
    Path("run/config.json").write_text(json.dumps(to_json(SACRun())))
    assert cli.main(["train", *typed]) == 8
    assert started == [Path("run")]


@pytest.mark.parametrize("typed", [["--resume", "run", "--frames", "3e5"], ["--frames=300_000", "--resume=run"]])
def test_resume_sets_another_length_first(typed: list[str], started: list[Any]) -> None:
    config = SACRun(task="probe/both", augment="none", image_size=16, encoder="pixel:num_layers=2")
    Path("run").mkdir()
    Path("run/config.json").write_text(json.dumps(to_json(config)))
    assert cli.main(["train", *typed]) == 8
    assert started == [Path("run")]
    assert read_config(Path("run")) == dataclasses.replace(config, frames=300_000)
    assert json.loads(Path("run/config-100000.json").read_text()) == to_json(config)


def test_a_length_that_is_no_number(capsys: pytest.CaptureFixture[str], started: list[Any]) -> None:
    Path("run").mkdir()
    Path("run/config.json").write_text(json.dumps(to_json(SACRun())))
    assert cli.main(["train", "--resume", "run", "--frames", "long"]) == 2
    assert capsys.readouterr().err.startswith("error: --frames: must be a whole number such as 100000")
    assert started == []


@pytest.mark.parametrize(("policy", "spins"), [(None, "20000"), ("active", None)])
def test_threads_that_wait_sleep_unless_the_user_has_a_policy(
    monkeypatch: pytest.MonkeyPatch, policy: str | None, spins: str | None
) -> None:
    for name, value in (("OMP_WAIT_POLICY", policy), ("GOMP_SPINCOUNT", None)):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
        if value:
            monkeypatch.setenv(name, value)
    assert cli.main(["--version"]) == 0
    assert os.environ.get("GOMP_SPINCOUNT") == spins


def test_the_command_loads_no_torch_before_it_says_how_threads_wait() -> None:
    code = "import sys, rad.cli; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_shows_every_field_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--help"])
    assert not stop.value.code
    below = capsys.readouterr().out.partition("\n\n")[2]  # the lines that name the most used
    text = " ".join(re.sub("[│╭╮╰╯─]", " ", below).split())
    for flag, default in options(SACRun()) + options(SACRun().agent):
        result = re.search(rf" {flag}[ ,](.+?) \(default: ([^)]*)\)", text)
        assert result and result[2] == {"": "''", (): ""}.get(default, str(default)), flag
        assert re.search(r"[a-z]{3}.*\.$", result[1]), f"{flag} has no text"


@pytest.mark.parametrize("shown", ALGORITHMS)
def test_help_ends_with_presets_and_how_to_see_the_other_flags(shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["train", "--algo", shown, "--help"])
    named, last = capsys.readouterr().out.splitlines()[-2:]
    assert named.startswith("Presets of sac: rad, drq, svea, lean, demo; of ppo: ppo, ")
    others = ", ".join(f"rad train --algo {other} --help" for other in ALGORITHMS if other != shown)
    assert last == f"These are the flags of {shown}; those of other algorithms: {others}"


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_help_begins_with_the_most_used_flags_and_names_whose_hyperparameters_follow(
    algo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["train", "--algo", algo, "--help"])
    shown = capsys.readouterr().out
    used = [flag_name(name) for name in MOST_USED]
    assert shown.startswith(f"Most used: {', '.join(used)};")
    listed = re.findall(r"^[│ ]+(--[\w-]+)", shown, re.MULTILINE)
    assert set(used) <= set(listed[: len(used) + 3])
    assert f"{algo.upper()}'s hyperparameters." in shown


@pytest.mark.parametrize("typed", [pytest.param("train --help", marks=pytest.mark.slow), "--help", "evaluate --help"])
def test_output_that_nobody_reads_is_no_error(typed: str) -> None:
    root = Path(__file__).parents[2]
    command = f"{sys.executable} -m rad.cli {typed} | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], cwd=root, capture_output=True, text=True, check=True)
    assert ended.stderr == "" and ended.stdout in ("141\n", "0\n")  # 0: all was written before the pipe was closed


@pytest.mark.parametrize("command", ["runs", pytest.param("report", marks=pytest.mark.slow)])
def test_the_first_line_of_an_output_is_enough(command: str, tmp_path: Path) -> None:
    for number in range(200 if command == "runs" else 1):
        make_run(tmp_path / f"run-{number}", seed=number, preset="rad", frames=800)
    typed = f"{sys.executable} -m rad.cli {command} {tmp_path} | head -1 | wc -l; echo ${{PIPESTATUS[0]}}"
    root = Path(__file__).parents[2]
    ended = subprocess.run(["bash", "-c", typed], cwd=root, capture_output=True, text=True, check=True)
    assert ended.stderr == "" and ended.stdout in ("1\n141\n", "1\n0\n")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rad-rl {__version__}\n"


@pytest.mark.parametrize("typed", [["--preset", "drq"], ["--preset=drq"], ["--seed", "2", "--preset", "drq"]])
def test_a_preset_gives_the_defaults_wherever_it_stands(typed: list[str]) -> None:
    config = parse_run([*typed, "--critic-views", "3", "--target-views", "3"])
    drq = preset("drq")
    assert config.agent == dataclasses.replace(drq.agent, critic_views=3, target_views=3)
    assert config.augment == "shift"


def test_the_task_gives_the_presets_numbers_for_it_and_flags_come_last() -> None:
    assert parse_run(["--task", "dmc/cheetah-run"]).agent.critic_lr == 2e-4
    assert parse_run(["--critic-lr", "5e-4", "--task=dmc/cheetah-run"]).agent.critic_lr == 5e-4
    assert parse_run(["--frames", "100_000"]).frames == 100_000
    assert parse_run(["--frames", "1e5", "--batch-size=6.4e1"]).frames == 100_000


@pytest.mark.parametrize("typed", [[], ["--help"], ["-h"], ["help"]])
def test_usage_names_every_command(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(typed) == 0
    shown = capsys.readouterr().out
    assert all(re.search(rf"^  {command} ", shown, re.MULTILINE) for command in cli.COMMANDS)


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trian"]) == 2
    assert capsys.readouterr().err == f"error: unknown command 'trian'; known: {', '.join(cli.COMMANDS)}\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["evaluate"], "Missing from rad evaluate: PATH Run folder, or a file of rad export"),
        (["evaluate", "nowhere", "--episodes", "0"], "--episodes: must be at least 1, got 0"),
        (["evaluate", "nowhere", "--episodes-per-env", "0"], "--episodes: must be at least 1, got 0"),
        (["evaluate", "nowhere", "--episodes", "x"], "--episodes/--episodes-per-env: must be a whole number"),
        (["evaluate", "nowhere", "--split", "a", "--splits=b"], "--splits: must be given once, with all its values, "),
        (["evaluate", "nowhere", "--out", "no/a.jsonl"], "--out: must be a file in a folder that exists, got no/a"),
        (["evaluate", "nowhere", "--video", "no/a.mp4"], "--video: must be a file in a folder that exists, got no/a"),
        (["evaluate", "nowhere", "--video", "run.json"], "--video: must be a file that ends in .mp4, got run.json"),
        (["splits", "--task", "dmc/walker-walk", "--out", "notes.txt"], "--out: must be a file that ends in .png"),
        (["evaluate", "nowhere", "--envs", "-1"], "--envs: must be at least 0, got -1"),
        (["evaluate", "nowhere", "--video-size", "0"], "--video-size: must be from 16 to 1024, got 0"),
        (["evaluate", "nowhere", "--nope", "1"], "--nope"),
        (
            ["evaluate", "nowhere", "--checkpoint", "best"],
            "RUN: must be a run folder, or a file of rad export, got nowhere",
        ),
        (["export", "nowhere"], "RUN: no such file or folder: nowhere"),
        (["export", "nowhere", "--out", "agent"], "--out: must be a file that ends in .safetensors, got agent"),
        (["evaluate", "nowhere", "other"], "error: one argument too many: other"),
        (["evaluate", "nowhere", "--policy", "foo"], "Allowed: sample, mode"),
        (["evaluate", "."], "RUN: must be a run folder, or a file of rad export, got ."),
        (["export", "nowhere", "--out", "no/a.safetensors"], "--out: must be a file in a folder that exists, got no/a"),
        (
            ["zoo", "nowhere"],
            "FOLDER: must be a folder with agents, files of rad export that end in .safetensors, got nowh",
        ),
        (["attention", "nowhere"], "RUN: must be a run folder, or a file of rad export, got nowhere"),
        (["attention", "nowhere", "--change", "moved"], "--change: moved has no effect without --ground-truth"),
        (["demo", "--seed", "x"], "--seed: must be a whole number"),
        (["demo", "--minutes", "0.5"], "--minutes: must be from 1 to 1,000, got 0.5"),
        (["demo", "--minutes", "nan"], "--minutes: must be from 1 to 1,000, got nan"),
        (["demo", "--out", "."], "--out: . exists and is not a demo that ended"),
        (["doctor", "--nope"], "--nope"),
    ],
)
def test_wrong_input_of_the_other_commands(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(typed) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and said in captured.err and captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("splits", ["--splits", "--split"])
@pytest.mark.parametrize("episodes", ["--episodes", "--episodes-per-env"])
def test_evaluate_takes_several_splits_and_other_names_of_its_flags(
    splits: str, episodes: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, Any]] = []
    fake = SimpleNamespace(
        evaluate_run=lambda **options: asked.append(options) or ["row"],
        default_file=lambda run, rows: f"a file of {rows[0]} in {run}",
    )
    monkeypatch.setitem(sys.modules, "rad.evaluation.compare_splits", fake)
    monkeypatch.setattr(result_tables, "split_table", lambda rows: f"a table of {rows[0]}")
    assert cli.main(["evaluate", "run", splits, "train", "test", episodes, "7"]) == 0
    assert (asked[0]["run"], asked[0]["splits"], asked[0]["episodes"]) == (Path("run"), ("train", "test"), 7)
    assert asked[0]["checkpoint"] == "last"
    assert capsys.readouterr().out == "a table of row\n\nepisodes: a file of row in run\n"
    assert cli.main(["evaluate", "run", "--out", "here.jsonl", "--checkpoint", "1e5"]) == 0
    assert asked[1]["checkpoint"] == "100000"
    assert (asked[1]["splits"], asked[1]["episodes"], asked[1]["out"]) == ((), 10, Path("here.jsonl"))
    assert capsys.readouterr().out == "a table of row\n\nepisodes: here.jsonl\n"
    assert cli.main(["evaluate", "run", "--out", "here.jsonl", "--video", "it.mp4"]) == 0
    assert capsys.readouterr().out == "a table of row\n\nepisodes: here.jsonl\nvideo: it.mp4\n"


@pytest.mark.parametrize("error", [ValueError, FileExistsError, ModuleNotFoundError, CheckpointError])
def test_an_error_of_several_lines_is_shown_as_one(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(command: str, arguments: list[str]) -> int:
        raise error("one\n  two")

    monkeypatch.setattr(cli, "run", fail)
    assert cli.main(["train"]) == 2
    assert capsys.readouterr().err == "error: one two\n"


def test_an_interrupt_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(command: str, arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupted)
    assert cli.main(["report", "x"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_command_that_is_terminated_says_so_and_what_became_of_its_work(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed: list[str] = []

    def terminated(command: str, arguments: list[str]) -> int:
        with if_stopped("the same command goes on"):
            try:
                signal.raise_signal(number)
            finally:
                closed.append("files")
        return 0

    before = signal.getsignal(number)
    monkeypatch.setattr(cli, "run", terminated)
    assert cli.main(["record", "x"]) == 128 + number
    assert capsys.readouterr().err == "error: terminated; the same command goes on\n"
    assert closed == ["files"] and signal.getsignal(number) == before


def test_a_fault_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: str, arguments: list[str]) -> int:
        raise KeyError("inside")

    monkeypatch.setattr(cli, "run", fail)
    with pytest.raises(KeyError):
        cli.main(["train"])
