"""Hooks of MkDocs: pages and pictures from outside `docs/` stand in the site under their paths in the repository."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("results/README.md", "results/performance.md", "CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"(?<=\]\()\.\./(?!\.)")  # out of docs/, as the repository's own pages are read
INTO_DOCS = re.compile(r"(?<=\]\()((?:\.\./)*)docs/")
TARGET = re.compile(r"\]\(([^)#\s]+)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages, and what pages here and in `docs/` show or link of the repository."""
    from mkdocs.structure.files import File, InclusionLevel

    for path in sorted(outside()):
        place = str(path.relative_to(ROOT))
        files.append(File.generated(config, place, abs_src_path=str(path), inclusion=InclusionLevel.NOT_IN_NAV))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let links from `docs/` to the repository's root lead into the site, and those from the root into `docs/` too."""
    if page.file.src_uri in PAGES:
        return INTO_DOCS.sub(r"\1", markdown)
    return markdown if "/" in page.file.src_uri else LINK.sub("", markdown)


def outside() -> set[Path]:
    """Return the files outside `docs/` that the site shows: the pages, and what they and others link."""
    pages = [ROOT / page for page in PAGES]
    linked = {
        (page.parent / target).resolve()
        for page in (*pages, *(ROOT / "docs").rglob("*.md"))
        for target in TARGET.findall(page.read_text())
        if "://" not in target
    }
    shown = {path for path in linked if path.is_file() and not path.is_relative_to(ROOT / "docs")}
    return {*pages, *shown}
