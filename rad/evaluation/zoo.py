"""The agents in a folder of exported files, as a table."""

from collections.abc import Iterable
from pathlib import Path

from rad.evaluation import agent_file
from rad.report.draw.tables import Cell, Column, Table
from rad.report.read.groups import method_name
from rad.report.stats.bootstrap import CONFIDENCE, Estimate
from rad.runtime.run_dir import AGENT_SUFFIX
from rad.settings import SettingError

COLUMNS = (
    *(Column(name, "text") for name in ("file", "task", "method")),
    Column("commit", "text"),  # of one preset at two commits, values may differ
    *(Column("frames"), Column("split", "text"), Column(f"return [{100 * CONFIDENCE:g} %]", decimals=1)),
    *(Column("episodes"), Column("MB", decimals=1), Column("SHA-256", "text")),
)


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder, and of the folders in it, in the order of their names.

    Raises:
        SettingError: it is no folder, or holds none.
    """
    files = sorted(folder.rglob(f"*{AGENT_SUFFIX}"))
    if not files:
        raise SettingError("FOLDER", folder, f"a folder with agents, files of rad export that end in {AGENT_SUFFIX}")
    return files


def table(files: Iterable[Path], folder: Path = Path()) -> Table:
    """Return a line for each agent and split that its card has a return on; all bytes are read and checked.

    Files are named by their path in the folder.
    """
    return Table(COLUMNS, [row for file in files for row in _rows(file, folder)])


def _rows(path: Path, folder: Path) -> list[list[Cell]]:
    name = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    size = path.stat().st_size / 1e6 if path.exists() else None  # of a link to nothing
    try:
        card = agent_file.read(path).card
        config = card["config"]
        method = f"{card['preset']}, {method_name(config)}, seed {card['seed']}"
        trained: Cell = card["frames"]
        if trained < config.get("frames", trained):
            trained = f"{trained:,} of {config['frames']:,}"
        about: list[Cell] = [name, card["task"], method, card["commit"], trained]
        return [
            [*about, split, Estimate(of["mean"], *(of["interval"] or ())), of["episodes"], size, "holds"]
            for split, of in card["returns"].items()
        ] or [[*about, None, None, None, size, "holds"]]
    except (ValueError, LookupError, TypeError, OSError) as error:
        why = " ".join(str(error).removeprefix(f"{path} ").split())
        return [[name, *[None] * (len(COLUMNS) - 3), size, why]]
