from pathlib import Path

import numpy as np
import pytest

from rad.report.draw.gallery import gallery_figure


def strips(count: int, episodes: int = 2) -> dict[str, list[np.ndarray]]:
    generator = np.random.default_rng(0)
    return {
        f"split-{i}": [generator.integers(0, 255, (8, 8, 3), np.uint8) for _ in range(episodes)] for i in range(count)
    }


def test_frames_stand_unchanged_in_the_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from matplotlib.axes import Axes

    drawn: list[tuple[str, np.ndarray]] = []
    shown = Axes.imshow

    def spy(ax: Axes, image: np.ndarray, **options: object) -> object:
        drawn.append((ax.get_title(loc="left"), image))
        return shown(ax, image, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Axes, "imshow", spy)
    frames = strips(3)
    gallery_figure(frames, tmp_path / "a.png", title="dmc/walker-walk")
    for (_, image), strip in zip(drawn, frames.values(), strict=True):
        assert image.shape == (8, 18, 3)
        np.testing.assert_array_equal(image[:, :8], strip[0])
        np.testing.assert_array_equal(image[:, 10:], strip[1])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, count: int) -> None:
    for name in ("a.png", "b.png"):
        gallery_figure(strips(count), tmp_path / name, title="task")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_split() -> None:
    with pytest.raises(ValueError, match="frames must be of at least 1 split"):
        gallery_figure({}, Path("none.png"), title="task")
