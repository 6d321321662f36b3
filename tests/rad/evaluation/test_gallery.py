from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rad.envs.dmc.appearances import SPLITS
from rad.envs.suites import SUITES
from rad.evaluation import gallery
from rad.evaluation.gallery import draw_gallery


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Keep the frames instead of drawing them."""
    kept: dict[str, np.ndarray] = {}

    def keep(frames: dict[str, list[np.ndarray]], path: Path, *, title: str) -> None:
        kept.update({name: np.array(strip) for name, strip in frames.items()})

    monkeypatch.setattr(gallery, "gallery_figure", keep)
    return kept


@pytest.mark.slow
def test_every_look_of_a_task_is_shown(monkeypatch: pytest.MonkeyPatch, shown: dict[str, np.ndarray]) -> None:
    few = ("train", "color-hard", "video-hard")
    of_few = replace(SUITES["dmc"], splits={name: SPLITS[name].about for name in few})
    monkeypatch.setitem(SUITES, "dmc", of_few)
    about = draw_gallery("dmc/cartpole-balance", Path("none.png"), episodes=2)
    assert about == {name: SPLITS[name].about for name in few}
    assert tuple(shown) == few and {strip.shape for strip in shown.values()} == {(2, 84, 84, 3)}
    for name in few[1:]:
        assert (shown[name] != shown["train"]).any(-1).mean() > 0.15


def test_what_a_task_cannot_have_is_said_and_left_out(shown: dict[str, np.ndarray]) -> None:
    pytest.importorskip("procgen", reason="no wheel of procgen for this platform")
    about = draw_gallery("procgen/bigfish", Path("none.png"), episodes=2)
    assert about["test"] == "levels test [1000000, 1001000)"
    assert about["themes-train"].startswith("not here: ") and "coinrun" in about["themes-train"]
    assert tuple(shown) == ("train", "test", "test-all")
    assert shown["test"].shape == (2, 64, 64, 3)


@pytest.mark.parametrize(
    ("task", "folder"),
    [
        ("dmc/cartpole-balance", "test=missing"),
        ("dmc/cartpole-balance", "train=."),
        ("dmc/cartpole-balance", "test="),
        ("procgen/bigfish", "test=."),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(task: str, folder: str) -> None:
    with pytest.raises(ValueError, match=r"^background_dir: "):
        draw_gallery(task, Path("none.png"), background_dir=(folder,))


@pytest.mark.parametrize(
    ("task", "camera_id", "said"),
    [
        ("dmc/walker", 0, "task: unknown task 'dmc/walker'"),
        ("nope/walker", 0, "task: unknown suite"),
        ("probe/both", 0, "task: probe/both has no splits; allowed: dmc and procgen tasks"),
        ("dmc/cartpole-balance", 9, "camera_id: must be -1 to 1 for dmc/cartpole-balance, got 9"),
    ],
)
def test_what_is_wrong_is_named(task: str, camera_id: int, said: str) -> None:
    with pytest.raises(ValueError) as error:
        draw_gallery(task, Path("none.png"), camera_id=camera_id)
    assert str(error.value).startswith(said)
