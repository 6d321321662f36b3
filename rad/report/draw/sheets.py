"""Tables of a report: one set of cells, written as Markdown, CSV, LaTeX and, by the page, as HTML."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from rad.report.stats.bootstrap import Estimate

Cell = str | int | float | Estimate | None
"""An estimate whose ends are not finite has no interval; None is an empty cell."""

LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "±": r"$\pm$"}
)


@dataclass(frozen=True)
class Sheet:
    """A table of a report.

    Attributes:
        name: of its files, without ending.
        title: what it shows.
        decimals: of numbers, by the name of each column, in their order; counts and texts have no use for it.
        rows: cells in the order of the columns.
        notes: how to read it.
    """

    name: str
    title: str
    decimals: dict[str, int]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()

    @property
    def columns(self) -> list[str]:
        """Names of the columns that have an entry, and of the first."""
        return [name for number, name in enumerate(self.decimals) if number == 0 or any(map(is_filled, self._at(name)))]

    @property
    def texts(self) -> list[list[str]]:
        """Cells of these columns as they are read."""
        kept = [(list(self.decimals).index(name), self.decimals[name]) for name in self.columns]
        return [[text(row[place], decimals) for place, decimals in kept] for row in self.rows]

    @property
    def numeric(self) -> list[bool]:
        """Whether these columns hold numbers."""
        return [not any(isinstance(cell, str) for cell in self._at(name)) for name in self.columns]

    def markdown(self) -> str:
        """Write the table as Markdown that is also readable as text, with its title and notes."""
        lines = [[word.replace("|", "\\|") for word in line] for line in [self.columns, *self.texts]]
        widths = [max(3, *map(len, column)) for column in zip(*lines)]
        rule = ["-" * (width - 1) + ":" if right else "-" * width for width, right in zip(widths, self.numeric)]
        sides = [">" if right else "<" for right in self.numeric]
        table = [
            f"| {' | '.join(f'{c:{s}{w}}' for c, s, w in zip(line, sides, widths))} |"
            for line in [lines[0], rule, *lines[1:]]
        ]
        return "\n".join([f"## {self.title}", "", *table, *(f"\n{note}" for note in self.notes)]) + "\n"

    def plain(self) -> str:
        """Write the table as text, columns side by side."""
        lines, sides = [self.columns, *self.texts], [">" if right else "<" for right in self.numeric]
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(f"{c:{s}{w}}" for c, s, w in zip(line, sides, widths)).rstrip() for line in lines)

    def csv(self) -> str:
        """Write all digits of every number; an estimate takes three columns."""
        names = self.columns
        wide = [any(isinstance(cell, Estimate) for cell in self._at(name)) for name in names]
        head = [part for name, is_wide in zip(names, wide) for part in _heads(name, is_wide)]
        places = [list(self.decimals).index(name) for name in names]
        rows = [
            [part for place, is_wide in zip(places, wide) for part in _parts(row[place], is_wide)] for row in self.rows
        ]
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows([head, *rows])
        return stream.getvalue()

    def latex(self) -> str:
        """Write a tabular with rules of booktabs."""
        lines = [" & ".join(word.translate(LATEX) for word in line) + r" \\" for line in [self.columns, *self.texts]]
        sides = "".join("r" if right else "l" for right in self.numeric)
        notes = [f"% {note}" for note in [self.title, *self.notes]]
        head = [f"\\begin{{tabular}}{{{sides}}}", r"\toprule", lines[0], r"\midrule"]
        return "\n".join([*notes, *head, *lines[1:], r"\bottomrule", r"\end{tabular}"]) + "\n"

    def files(self) -> dict[str, bytes]:
        """Return the three files by name."""
        texts = {"md": self.markdown(), "csv": self.csv(), "tex": self.latex()}
        return {f"{self.name}.{ending}": found.encode() for ending, found in texts.items()}

    def _at(self, name: str) -> list[Cell]:
        place = list(self.decimals).index(name)
        return [row[place] for row in self.rows]


def is_filled(cell: Cell) -> bool:
    """Tell whether a cell says something."""
    return cell is not None and cell != ""


def text(cell: Cell, decimals: int) -> str:
    """Write a cell, an estimate with its interval."""
    if isinstance(cell, Estimate):
        ends = "" if not has_interval(cell) else f" [{cell.low:z.{decimals}f}, {cell.high:z.{decimals}f}]"
        return f"{cell.value:z.{decimals}f}{ends}"
    if isinstance(cell, float):
        least = 10.0**-decimals
        return f"<{least:.{decimals}f}" if 0 < cell < least / 2 else f"{cell:z.{decimals}f}"
    return f"{cell:,}" if isinstance(cell, int) else cell or ""


def has_interval(cell: Estimate) -> bool:
    """Tell whether an estimate has an interval."""
    return math.isfinite(cell.low) and math.isfinite(cell.high)


def decimals_for(values: Sequence[float]) -> int:
    """Return the decimals that give the largest value about four digits: 812.3, 12.34, 0.873."""
    largest = max(map(abs, values), default=0.0)
    return 1 if largest >= 100 else 2 if largest >= 10 else 3


def _heads(name: str, is_wide: bool) -> list[str]:
    return [name, f"{name}, low", f"{name}, high"] if is_wide else [name]


def _parts(cell: Cell, is_wide: bool) -> list[str]:
    if isinstance(cell, Estimate):
        return [str(value) if math.isfinite(value) else "" for value in cell]
    return ["" if cell is None else str(cell), *([""] * 2 if is_wide else [])]
