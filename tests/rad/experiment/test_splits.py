"""Which splits a run has: what they need, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad.envs.dmc.backgrounds import Generated
from rad.experiment import build
from rad.experiment.algorithms import make_agent
from rad.experiment.build import distractors, make_env
from rad.experiment.splits import check_split, check_splits, split_of, splits
from tests.integration.runs import tiny, tiny_ppo

DMC: dict[str, Any] = {"task": "dmc/cartpole-balance", "image_size": 16}


def write_pictures(folder: Path, count: int, seed: int = 0) -> Path:
    import cv2

    folder.mkdir()
    for index in range(count):
        pixels = np.random.default_rng([seed, index]).integers(0, 255, (20, 30, 3), np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), pixels)
    return folder


def test_a_run_is_tested_on_what_it_names() -> None:
    assert splits(tiny(**DMC)) == ("",)
    assert splits(tiny(**DMC, test_split="video-easy")) == ("train", "video-easy")
    assert splits(tiny(**DMC, test_split="train")) == ("train",)
    assert splits(tiny_ppo(task="procgen/bigfish")) == ("train", "test")


def test_looks_by_name_and_side() -> None:
    assert split_of(tiny(**DMC)) is None and split_of(tiny(**DMC), "train") is None
    tested = split_of(tiny(**DMC), "video-easy")
    assert tested and (tested.split.name, tested.side, tested.folder) == ("video-easy", "test", None)
    config = tiny(**DMC, train_split="video-easy", background_dir=("test=a", "train=b"))
    trained = split_of(config)
    assert trained == split_of(config, "train")
    assert trained and (trained.side, trained.folder) == ("train", Path("b"))
    again = split_of(config, "video-easy")
    assert again and (again.side, again.folder) == ("test", Path("a"))


@pytest.mark.slow
def test_each_purpose_sees_its_split() -> None:
    def first(purpose: str, split: str = "", **run: Any) -> bytes:
        env = make_env(tiny(**DMC | {"image_size": 32}, **run), purpose, split=split)
        seen = env.reset()[0].tobytes()
        env.close()
        return seen

    plain = first("evaluation")
    assert first("evaluation", "train") == plain
    assert len({plain, first("evaluation", "video-hard"), first("evaluation", "color-hard")}) == 3
    trained = first("evaluation", train_split="video-hard")
    assert trained == first("evaluation", "train", train_split="video-hard") != plain
    assert trained != first("evaluation", "video-hard", train_split="video-hard"), "the sides show the same clips"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"train_split": "video"}, "train_split: unknown split 'video'"),
        ({"test_split": "video-hrd"}, "test_split: unknown split 'video-hrd'; did you mean video-hard?"),
        (
            {"test_split": "texture", "background_dir": ("train",)},
            "background_dir: must be train=DIR, test=DIR or both, got train",
        ),
        ({"test_split": "texture", "background_dir": ("train=a", "train=b")}, "background_dir: must be train=DIR"),
        ({"test_split": "texture", "background_dir": ("val=a",)}, "background_dir: must be train=DIR"),
        (
            {"background_dir": ("test=missing",), "test_split": "video-easy"},
            "background_dir: test=missing cannot be read (",
        ),
        (
            {"task": "probe/both", "background_dir": ("test=a",)},
            "background_dir: test=a is shown nowhere; allowed: o",
        ),
        ({"background_dir": ("test=a",)}, "background_dir: test=a is shown nowhere; allowed: only with a --test-spl"),
        ({"test_split": "texture", "background_dir": ("train=a",)}, "background_dir: train=a is shown nowhere"),
        ({"train_split": "texture", "background_dir": ("test=a",)}, "background_dir: test"),
        ({"augment": "overlay:folder=b", "background_dir": ("train=a",)}, "background_dir: train=a is shown nowhere"),
        ({"train_split": "color-easy", "test_split": "texture", "background_dir": ("test=a",)}, "background_dir: te"),
        ({"task": "probe/both", "train_split": "light"}, "train_split: probe/both has no split light"),
        ({"task": "probe/both", "test_split": "light"}, "test_split: probe/both has no split light"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(run: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as error:
        check_splits(tiny(**DMC | run))
    assert str(error.value).startswith(said) and "\n" not in str(error.value)


def test_what_is_tested_with_is_not_what_is_trained_with(tmp_path: Path) -> None:
    train, test = write_pictures(tmp_path / "a", 5), write_pictures(tmp_path / "b", 5, seed=1)
    shown = {"train_split": "video-easy", "test_split": "video-hard"}
    check_splits(tiny(**DMC, **shown, background_dir=(f"train={train}", f"test={test}")))
    (test / "0.png").write_bytes((train / "3.png").read_bytes())
    config = tiny(**DMC, **shown, background_dir=(f"train={train}", f"test={test}"))
    with pytest.raises(ValueError, match=r"^background_dir: train and test share 1 .* \(.*3\.png = 0\.png\)"):
        check_splits(config)
    with pytest.raises(ValueError, match="share 1"):
        check_split(config, "video-hard")
    check_split(config, "color-hard")  # shows no clips


def test_pictures_that_overlay_shows_are_not_tested_with(tmp_path: Path) -> None:
    train, test = write_pictures(tmp_path / "a", 60), write_pictures(tmp_path / "b", 4, seed=1)
    both = (f"train={train}", f"test={test}")
    for train_split in ("train", "color-easy"):
        config = tiny(
            **DMC, augment="overlay", train_split=train_split, test_split="distracting-easy", background_dir=both
        )
        check_splits(config)
    (test / "0.png").write_bytes((train / "47.png").read_bytes())
    with pytest.raises(ValueError, match="share 1"):
        check_splits(config)


def test_a_run_that_trains_on_another_look_can_be_tested_on_the_suites_own() -> None:
    config = tiny(**DMC, train_split="light", test_split="plain")
    assert splits(config) == ("train", "plain")
    assert split_of(config, "train") is not None and split_of(config, "plain") is None
    check_splits(config)


def test_too_few_pictures_are_counted(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "a", 3)
    with pytest.raises(ValueError, match=r"^background_dir: test=\S+ has 3 different images or videos; allowed: at "):
        check_splits(tiny(**DMC, test_split="texture", background_dir=(f"test={folder}",)))


def test_overlay_blends_with_pictures_to_train_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "DISTRACTORS", 8)
    build._distractors.cache_clear()
    assert distractors(tiny(**DMC)) is None
    computed = distractors(tiny({"strong_augment": "overlay"}, **DMC))
    assert computed is not None and computed.shape == (8, 3, 128, 128)
    first = Generated("train", 2).clip(0).frame(0, 128).transpose(2, 0, 1)
    np.testing.assert_array_equal(computed[0].numpy(), first)
    folder = write_pictures(tmp_path / "a", 5)
    own = distractors(tiny(**DMC, augment="overlay", background_dir=(f"train={folder}",)))
    assert own is not None and own.shape == (8, 3, 128, 128) and not (own[0] == computed[0]).all()
    agent = make_agent(tiny({"strong_augment": "overlay:count=8"}, **DMC), make_env(tiny(**DMC), "check"))
    strong: Any = agent.strong  # type: ignore[attr-defined]
    assert sorted(map(float, strong.images.float().mean((1, 2, 3)))) == pytest.approx(
        sorted(map(float, computed.float().mean((1, 2, 3))))
    )
    build._distractors.cache_clear()
