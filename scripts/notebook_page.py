"""A hook of MkDocs: the notebook, with the outputs that are stored in it, is a page of the site."""

import base64
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "notebooks" / "first_hour.ipynb"


def on_files(files: Any, config: Any) -> Any:
    """Add the page and the pictures of the notebook, beside the notebook itself."""
    from mkdocs.structure.files import File

    notebook = json.loads(NOTEBOOK.read_text())
    text = f"{markdown(notebook, NOTEBOOK.stem)}\n\nThis page as a [notebook]({NOTEBOOK.name})."
    for name, content in {f"{NOTEBOOK.stem}.md": text, **pictures(notebook, NOTEBOOK.stem)}.items():
        files.append(File.generated(config, f"{NOTEBOOK.parent.name}/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let links to the notebook, as they are read in the repository, lead to its page."""
    return re.sub(rf"(?<=\]\({NOTEBOOK.parent.name}/{NOTEBOOK.stem}\.)ipynb(?=\))", "md", markdown)


def markdown(notebook: Mapping[str, Any], name: str) -> str:
    """Return the cells and their outputs as Markdown; `name` begins the names of the pictures."""
    parts, files = [], iter(pictures(notebook, name))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else _code(source))
        for drawn, group in itertools.groupby(cell.get("outputs", ()), key=lambda output: bool(_png(output))):
            if drawn:
                parts += [f"![Drawn by the cell above]({next(files)})" for _ in group]
            else:  # texts come in pieces
                parts.append(_fenced("text", "".join(map(_text, group))))
    return "\n\n".join(parts)


def pictures(notebook: Mapping[str, Any], name: str) -> dict[str, bytes]:
    """Return the PNGs of the outputs, numbered in their order."""
    drawn = filter(None, map(_png, outputs(notebook)))
    return {f"{name}-{i}.png": base64.b64decode(png) for i, png in enumerate(drawn, start=1)}


def outputs(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what all cells have put out, in order."""
    return (output for cell in notebook["cells"] for output in cell.get("outputs", ()))


def _png(output: Mapping[str, Any]) -> str:
    return "".join(output.get("data", {}).get("image/png", ""))


def _text(output: Mapping[str, Any]) -> str:
    return "".join(output["text"] if "text" in output else output["data"]["text/plain"])


def _code(source: str) -> str:
    body = source.removeprefix("%%bash\n")
    return _fenced("python" if body == source else "bash", body)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
