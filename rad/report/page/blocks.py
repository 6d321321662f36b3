"""The blocks that sections of a report consist of, beside figures and tables."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rad.report.draw.style import Figure
from rad.report.draw.tables import Table

KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".mp4": "video/mp4"}
FILE_BYTES = 1_000_000  # at most of a picture or video inside the page: a video of the demo has 0.3 MB
PAGE_BYTES = 20_000_000  # at most of all of them: a phone still opens the page


class Items(NamedTuple):
    """A list with a title; a warning stands out, details are folded away."""

    title: str
    lines: Sequence[str]
    is_warning: bool = False
    is_folded: bool = False


class Pairs(NamedTuple):
    """Names and values, folded away."""

    title: str
    pairs: Sequence[tuple[str, str]]


class Command(NamedTuple):
    """A command, and what it does."""

    title: str
    text: str


class Picture(NamedTuple):
    """A picture or video from a run folder; `source` is its bytes or a link; a wide one takes a whole row."""

    title: str
    source: str
    is_wide: bool = False

    @property
    def is_inside(self) -> bool:
        """Whether the page holds its bytes."""
        return self.source.startswith("data:")


class Video(Picture):
    """A video from a run folder."""


Block = Figure | Table | str | Items | Pairs | Command | Picture
"""A text is a paragraph."""


class Section(NamedTuple):
    """A part of the page with a heading."""

    title: str
    blocks: Sequence[Block]


@dataclass
class AssetInliner:
    """Embeds files in the page while there is room, and links to the rest."""

    out: Path  # folder of the page, which links are relative to
    left: int = PAGE_BYTES  # bytes that still fit

    def embed(self, path: Path) -> str:
        """Return a file as a data URI, or a link to it where it is too large."""
        size = path.stat().st_size
        if size > min(FILE_BYTES, self.left):
            return Path(os.path.relpath(path.resolve(), self.out.resolve())).as_posix()
        self.left -= size
        return data_uri(path.read_bytes(), path.suffix)


def data_uri(data: bytes, suffix: str) -> str:
    """Return a file's contents as a data URI."""
    return f"data:{KINDS[suffix]};base64,{base64.b64encode(data).decode()}"
