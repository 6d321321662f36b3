"""Tables: one set of cells, written as plain text, Markdown, CSV, LaTeX and, by the page, as HTML."""

import csv
import io
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rad.report.stats.bootstrap import Estimate

Cell = str | int | float | Estimate | None
"""An estimate whose ends are not finite has no interval; None is an empty cell; a text is written as it is."""

LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "±": r"$\pm$"}
)


class Column(NamedTuple):
    """A column of a table."""

    name: str  # its head
    kind: Literal["text", "number"] = "number"  # text is aligned to the left, numbers to the right
    decimals: int = 0  # of floats and estimates; counts have none


class Table(NamedTuple):
    """A table. Columns without any entry are left out, except the first."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]  # cells in the order of the columns
    name: str = ""  # of its files, without ending
    title: str = ""
    notes: Sequence[str] = ()  # how to read it

    @property
    def shown(self) -> list[tuple[Column, list[Cell]]]:
        """Columns that are not left out, each with its cells."""
        cells = [[row[place] for row in self.rows] for place in range(len(self.columns))]
        pairs = list(zip(self.columns, cells))
        return pairs[:1] + [pair for pair in pairs[1:] if any(cell not in (None, "") for cell in pair[1])]

    @property
    def names(self) -> list[str]:
        """Heads of these columns."""
        return [column.name for column, _ in self.shown]

    @property
    def texts(self) -> list[list[str]]:
        """Cells of these columns as text, row by row."""
        columns = [[text(cell, column.decimals) for cell in cells] for column, cells in self.shown]
        return [list(row) for row in zip(*columns)]

    @property
    def numeric(self) -> list[bool]:
        """Whether these columns hold numbers."""
        return [column.kind == "number" for column, _ in self.shown]

    def plain(self) -> str:
        """Write the table as text, columns side by side, without title and notes."""
        return "\n".join("  ".join(line).rstrip() for line in self._aligned([self.names, *self.texts]))

    def markdown(self) -> str:
        """Write the table as Markdown that is readable as text too, with its title and notes."""
        lines = [[word.replace("|", "\\|") for word in line] for line in [self.names, *self.texts]]
        head, *rows = self._aligned(lines, least=3)
        rule = ["-" * (len(cell) - 1) + ("-:"[right]) for cell, right in zip(head, self.numeric)]
        table = [f"| {' | '.join(line)} |" for line in [head, rule, *rows]]
        title = [f"## {self.title}", ""] if self.title else []
        return "\n".join([*title, *table, *(f"\n{note}" for note in self.notes)]) + "\n"

    def csv(self) -> str:
        """Write the table as CSV with all digits of every number; an estimate takes three columns."""
        columns = [part for column, cells in self.shown for part in _csv_columns(column.name, cells)]
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(zip(*columns))
        return stream.getvalue()

    def latex(self) -> str:
        """Write a tabular with rules of booktabs."""
        lines = [" & ".join(word.translate(LATEX) for word in line) + r" \\" for line in [self.names, *self.texts]]
        sides = "".join("lr"[right] for right in self.numeric)
        notes = [f"% {note}" for note in [self.title, *self.notes]]
        head = [f"\\begin{{tabular}}{{{sides}}}", r"\toprule", lines[0], r"\midrule"]
        return "\n".join([*notes, *head, *lines[1:], r"\bottomrule", r"\end{tabular}"]) + "\n"

    def files(self) -> dict[str, bytes]:
        """Return the three files by name."""
        texts = {"md": self.markdown(), "csv": self.csv(), "tex": self.latex()}
        return {f"{self.name}.{ending}": content.encode() for ending, content in texts.items()}

    def _aligned(self, lines: Sequence[Sequence[str]], least: int = 0) -> list[list[str]]:
        """Pad the cells of each column to one width, of at least `least` characters."""
        widths = [max(least, *map(len, column)) for column in zip(*lines)]
        formats = [f"{'<>'[right]}{width}" for right, width in zip(self.numeric, widths)]
        return [list(map(format, line, formats)) for line in lines]


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
    """Return the decimals with which the largest value has about four digits: 812.3, 12.34, 0.873."""
    largest = max(map(abs, values), default=0.0)
    return 1 if largest >= 100 else 2 if largest >= 10 else 3


def _csv_columns(name: str, cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return a column with its head, or where it has estimates three: value, low and high end."""
    if not any(isinstance(cell, Estimate) for cell in cells):
        return [[name, *cells]]
    rows = [tuple(cell) if isinstance(cell, Estimate) else (cell, None, None) for cell in cells]
    heads = (name, f"{name}, low", f"{name}, high")
    return [[head, *(None if value != value else value for value in values)] for head, values in zip(heads, zip(*rows))]
