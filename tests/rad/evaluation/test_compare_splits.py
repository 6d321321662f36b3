"""A run on splits, with canned returns in the place of environments: what is asked, compared, refused and kept."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rad.envs.procgen.options import ProcgenOptions
from rad.evaluation import compare_splits, loaded_run
from rad.evaluation.compare_splits import compared, default_file, evaluate_run
from rad.evaluation.loaded_run import LoadedRun
from rad.evaluation.play import Episodes
from rad.experiment.algorithms.ppo import PPORun
from rad.report.read.evaluation_files import SplitRequest, SplitResult, read_evaluation
from rad.report.stats.bootstrap import difference_interval, mean_interval
from tests.integration.runs import tiny, tiny_game, tiny_ppo

RETURNS = {
    "train": [[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]],
    "dark": [[5.0, 15.0, 25.0], [35.0, 45.0, 55.0]],
    "video": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
}


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, Any]]:
    """Pretend that there is a run with splits; note what is played, with what settings and recorder."""
    calls: list[tuple[str, Any, Any]] = []

    def make_env(config: Any, purpose: str, *, num_envs: int, split: str) -> Any:
        return SimpleNamespace(config=config, split=split, close=lambda: None)

    def evaluate(env: Any, policy: Any, episodes: int, *, recorder: Any, **options: Any) -> Episodes:
        calls.append((env.split, env.config, recorder))
        returns = np.array(RETURNS[env.split])
        successes = returns > 4 if env.split == "video" else None
        return Episodes(returns, np.full(returns.shape, 8), successes)

    def check_split(config: Any, name: str) -> None:
        if name not in ("train", "dark", "video"):
            raise ValueError(f"unknown split '{name}'")

    monkeypatch.setattr(
        compare_splits, "load", lambda run, device, which: LoadedRun(tiny(eval_envs=4), SimpleNamespace(), 60)
    )
    monkeypatch.setattr(compare_splits, "own_splits", lambda config: ("train", "video"))
    monkeypatch.setattr(compare_splits, "check_split", check_split)
    monkeypatch.setattr(loaded_run, "action_repeat", lambda config: 1)
    monkeypatch.setattr(loaded_run, "make_env", make_env)
    monkeypatch.setattr(loaded_run, "evaluate", evaluate)
    return calls


def kept(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_result_for_each_split(tmp_path: Path, played: list[Any]) -> None:
    train, video = evaluate_run(tmp_path / "my-run", episodes=3, envs=2, seed=7)
    assert train == SplitResult(
        run="my-run",
        task="probe/both",
        frames=60,
        seed=7,
        policy="mode",
        envs=2,
        episodes_per_env=3,
        split="train",
        train_split="train",
        episode_return_mean=35.0,
        episode_return_std=pytest.approx((35 * 500 / 6) ** 0.5 / 10**0.5),  # variance 17500 / 60
        episodes=6,
        episode_frames_mean=8.0,
        confidence=0.95,
        episode_return_interval=list(mean_interval(RETURNS["train"])),
    )
    assert video.split == "video"
    assert (video.episode_return_mean, video.gap_to_train, video.retention) == (3.5, 31.5, 0.1)
    assert video.paired is True and video.success_rate == pytest.approx(2 / 6)
    assert [split for split, *_ in played] == ["train", "video"]
    assert {(config.eval_envs, config.eval_episodes) for _, config, _ in played} == {(2, 3)}


def test_all_splits_are_played_with_one_seed_that_follows_from_the_flag(tmp_path: Path, played: list[Any]) -> None:
    for seed in (7, 8):
        evaluate_run(tmp_path, seed=seed)
    seeds = [config.seed for _, config, _ in played]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
    assert played[0][1].eval_envs == 4  # the run's own


def test_splits_that_are_asked_for_are_played_in_their_order_and_once(tmp_path: Path, played: list[Any]) -> None:
    rows = evaluate_run(tmp_path, splits=["dark", "train", "dark", "train"])
    assert [row.split for row in rows] == [split for split, *_ in played] == ["dark", "train"]
    assert (rows[0].gap_to_train, rows[0].gap_interval) == (5.0, [5.0, 5.0])
    assert rows[1].gap_to_train is None


def test_without_train_there_is_no_gap(tmp_path: Path, played: list[Any]) -> None:
    for row in evaluate_run(tmp_path, splits=["dark", "video"]):
        assert (row.gap_to_train, row.gap_interval, row.retention, row.paired) == (None, None, None, None)


def test_a_task_without_splits_has_one_row_called_train(
    tmp_path: Path, played: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_splits, "own_splits", lambda config: ("",))
    (row,) = evaluate_run(tmp_path)
    assert (row.split, played[0][0]) == ("train", "train")


def test_the_first_split_is_filmed(tmp_path: Path, played: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    films: list[Any] = []
    monkeypatch.setattr(compare_splits, "write_mp4", lambda path, frames, fps: films.append(path))
    monkeypatch.setattr(compare_splits.np, "stack", lambda frames: frames)
    evaluate_run(tmp_path, video=tmp_path / "a.mp4", video_size=50)
    evaluate_run(tmp_path)
    recorders = [recorder for *_, recorder in played]
    assert recorders[0].size == 50 and recorders[1:] == [None] * 3
    assert films == [tmp_path / "a.mp4"]


def test_every_episode_is_kept_with_its_environment(tmp_path: Path, played: list[Any]) -> None:
    rows = evaluate_run(tmp_path, splits=["video", "train"], out=tmp_path / "all.jsonl")
    lines = kept(tmp_path / "all.jsonl")
    episode = {"kind": "episode", "split": "video", "env": 1, "episode": 1, "episode_return": 5.0, "episode_frames": 8}
    assert lines[4] == episode | {"success": True}
    assert lines[6] == episode | {"split": "train", "env": 0, "episode": 0, "episode_return": 10.0}
    assert [line["episode_return"] for line in lines[6:12]] == [10, 20, 30, 40, 50, 60]
    assert [line["kind"] for line in lines[12:]] == ["summary"] * 2 and "success_rate" not in lines[13]
    assert read_evaluation(tmp_path / "all.jsonl").splits == rows
    assert not (tmp_path / "evaluations").exists()


def test_the_same_question_has_the_same_file_and_no_other_has_it(tmp_path: Path, played: list[Any]) -> None:
    first = evaluate_run(tmp_path)
    (file,) = (tmp_path / "evaluations").iterdir()
    assert file == default_file(tmp_path, first) and file.name.startswith("0-")
    before = file.read_bytes()
    evaluate_run(tmp_path, splits=["train", "video"], envs=4, policy="mode", device="cpu")
    assert file.read_bytes() == before
    evaluate_run(tmp_path, splits=["video", "train"])
    assert list((tmp_path / "evaluations").iterdir()) == [file]
    others: list[dict[str, Any]] = [
        {"splits": ["train"]},
        {"splits": ["train", "dark"]},
        {"episodes": 11},
        {"envs": 1},
        {"policy": "sample"},
        {"seed": 1},
    ]
    for number, other in enumerate(others, start=2):
        evaluate_run(tmp_path, **other)
        assert len(list((tmp_path / "evaluations").iterdir())) == number


@pytest.mark.parametrize("change", [{"frames": 61}, {"levels": "b"}, {"score_constants": "b"}, {"task": "b"}])
def test_the_file_depends_on_what_the_run_had_become(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"split": "train", "seed": 1, "frames": 60, "levels": "a", "score_constants": "a"}
    fields |= {"task": "a"}
    file = default_file(Path("run"), [SplitRequest(**fields)])
    assert file != default_file(Path("run"), [SplitRequest(**(fields | change))])
    assert file == default_file(Path("run"), [SplitResult(**fields, episodes=1, episode_return_mean=1.0)])


def test_a_file_is_called_as_in_earlier_versions() -> None:
    """Written before there were lengths and successes; the same command replaces it."""
    folder = Path(__file__).parents[3] / "results/augmentations/dmc-cheetah-run/crop/seed-1"
    (path,) = (folder / "evaluations").iterdir()
    evaluation = read_evaluation(path)
    assert default_file(folder, evaluation.splits) == path
    assert {episode.episode_frames for episode in evaluation.episodes} == {None}
    assert all(split.episode_frames_mean is split.success_rate is None for split in evaluation.splits)


def test_an_interrupted_evaluation_leaves_no_file(
    tmp_path: Path, played: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate_run(tmp_path, out=tmp_path / "old.jsonl")
    before = (tmp_path / "old.jsonl").read_bytes()
    monkeypatch.delitem(RETURNS, "video")
    for out in (None, tmp_path / "new.jsonl", tmp_path / "old.jsonl"):
        with pytest.raises(KeyError):
            evaluate_run(tmp_path, out=out)
    assert list((tmp_path / "evaluations").iterdir()) == []
    assert not (tmp_path / "new.jsonl").exists() and (tmp_path / "old.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "text", "[1]\n", '{"a": 1}\n', '{"kind": "summary"}\n', b"\xff".decode("latin1")]
)
def test_another_file_is_not_replaced(tmp_path: Path, played: list[Any], content: str) -> None:
    file = tmp_path / "notes.jsonl"
    file.write_text(content, encoding="latin1")
    with pytest.raises(ValueError, match=f"^out: {file} holds something else than this evaluation; choose"):
        evaluate_run(tmp_path, out=file)
    assert played == [] and file.read_text(encoding="latin1") == content


def test_the_answer_to_another_question_is_not_replaced(tmp_path: Path, played: list[Any]) -> None:
    file = tmp_path / "all.jsonl"
    evaluate_run(tmp_path, out=file)
    evaluate_run(tmp_path, out=file)
    with pytest.raises(ValueError, match=r"^out: "):
        evaluate_run(tmp_path, out=file, seed=1)
    assert len(played) == 4


def test_where_nothing_can_be_written_nothing_is_played(
    tmp_path: Path, played: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(compare_splits.os, "access", lambda path, mode: path != tmp_path / "evaluations")
        with pytest.raises(
            ValueError, match=f"^out: {tmp_path / 'evaluations'} cannot be written to; name a file in an"
        ):
            evaluate_run(tmp_path)
    (tmp_path / "taken").touch()
    with pytest.raises(OSError):
        evaluate_run(tmp_path, out=tmp_path / "taken" / "all.jsonl")
    assert played == []


def test_all_names_are_checked_before_anything_is_played(tmp_path: Path, played: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"^splits: unknown split 'nope'$"):
        evaluate_run(tmp_path, splits=["train", "nope"])
    assert played == []


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (tiny(), "probe/both,"),
        (tiny_ppo(), "probe/both,"),
        (tiny_game(task="procgen/maze", suite=ProcgenOptions("memory")), "procgen/maze in mode memory,"),
    ],
)
def test_constants_for_scores_that_are_not_normalized_are_refused(
    tmp_path: Path, played: list[Any], monkeypatch: pytest.MonkeyPatch, config: Any, named: str
) -> None:
    monkeypatch.setattr(compare_splits, "load", lambda run, device, which: LoadedRun(config, SimpleNamespace(), 60))
    with pytest.raises(ValueError, match=f"^score_constants: has no meaning for {named} got paper; scores are norm"):
        evaluate_run(tmp_path, score_constants="paper")
    assert played == []


@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_constants_for_normalized_scores(
    tmp_path: Path, played: list[Any], monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    pytest.importorskip("procgen", reason="no wheel of procgen for this platform")
    config: PPORun = tiny_game(suite=ProcgenOptions(mode))
    monkeypatch.setattr(compare_splits, "load", lambda run, device, which: LoadedRun(config, SimpleNamespace(), 60))
    (row,) = evaluate_run(tmp_path, splits=["train"], score_constants="train-procgen")
    assert (row.score_constants, row.policy) == ("train-procgen", "sample")
    assert played[0][1].suite.score_constants == "train-procgen"
    assert row.normalized_return_mean is not None


@pytest.mark.parametrize("paired", [True, False])
def test_the_comparison(paired: bool) -> None:
    returns = {name: np.array(values) for name, values in RETURNS.items()}
    rows = compared(returns, paired=paired)
    assert list(rows) == ["train", "dark", "video"]
    # 35 on train, 3.5 on video
    gap = difference_interval(returns["train"], returns["video"], paired=paired)
    assert rows["video"] == {
        "confidence": 0.95,
        "episode_return_interval": list(mean_interval(returns["video"])),
        "gap_to_train": 31.5,
        "gap_interval": list(gap),
        "paired": paired,
        "retention": 0.1,
    }
    width = rows["dark"]["gap_interval"][1] - rows["dark"]["gap_interval"][0]
    assert (width == 0) == paired


@pytest.mark.parametrize(("train", "retention"), [(2.0, 0.5), (0.0, None), (-2.0, None)])
def test_nothing_is_retained_of_a_mean_that_is_not_positive(train: float, retention: float | None) -> None:
    row = compared({"train": np.array([[train]]), "dark": np.array([[1.0]])}, paired=True)["dark"]
    assert row["gap_to_train"] == train - 1
    assert row.get("retention") == retention


class TestAFolderOfClips:
    @pytest.fixture(autouse=True)
    def _on_dmc(self, played: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        own = tiny(task="dmc/walker-walk", train_split="texture", background_dir=("train=a", "test=b"))
        monkeypatch.setattr(compare_splits, "load", lambda run, device, which: LoadedRun(own, SimpleNamespace(), 60))
        monkeypatch.setattr(compare_splits, "check_split", lambda config, name: None)
        monkeypatch.setitem(RETURNS, "video-easy", RETURNS["video"])

    def test_it_replaces_the_runs_own_and_makes_another_question(self, tmp_path: Path, played: list[Any]) -> None:
        rows = [
            evaluate_run(tmp_path, splits=["train", "video-easy"], background_dir=folder)
            for folder in ((), ("test=c",))
        ]
        shown = [("train=a", "test=b"), ("train=a", "test=c")]
        assert [tuple(row[1].background_dir or ()) for row in rows] == shown
        assert [config.background_dir for split, config, _ in played if split == "video-easy"] == shown
        assert default_file(tmp_path, rows[0]) != default_file(tmp_path, rows[1])

    def test_it_is_shown_on_the_runs_own_splits_too(
        self, tmp_path: Path, played: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(compare_splits, "own_splits", lambda config: ("train", "video-easy"))
        evaluate_run(tmp_path, background_dir=("test=c",))
        assert [split for split, *_ in played] == ["train", "video-easy"]

    @pytest.mark.parametrize(
        ("splits", "folder", "said"),
        [
            (["train"], "test=c", "none of the splits asked for shows clips, got test=c"),
            (["color-hard"], "test=c", "none of the splits asked for shows clips"),
            (["video-easy"], "c", "must be train=DIR, test=DIR or both, got c"),
            (["video-easy"], "train=c", "must be test=DIR here, got train=c"),
        ],
    )
    def test_what_is_wrong_is_said_before_anything_is_played(
        self, tmp_path: Path, played: list[Any], splits: list[str], folder: str, said: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^background_dir: {said}"):
            evaluate_run(tmp_path, splits=splits, background_dir=(folder,))
        assert not played
