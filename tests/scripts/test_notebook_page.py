"""The page that is made of a notebook: its text, its code by language, its outputs and their pictures."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.notebook_page import markdown, on_page_markdown, pictures


def code(*lines: str, outputs: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"cell_type": "code", "source": list(lines), "outputs": list(outputs)}


PNG = {"data": {"image/png": base64.b64encode(b"drawn").decode(), "text/plain": ["<Figure>"]}}
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        code("%%bash\n", "rad doctor\n", outputs=({"text": ["one\n", "tw"]}, {"text": "o\n"})),
        code("draw()", outputs=(PNG, {"data": {"text/plain": ["5"]}})),
        code("draw()", outputs=(PNG,)),
    ]
}


def test_cells_and_outputs_are_markdown() -> None:
    assert markdown(NOTEBOOK, "a").split("\n\n") == [
        "# Title\ntext",
        "```bash\nrad doctor\n```",
        "```text\none\ntwo\n```",
        "```python\ndraw()\n```",
        "![Drawn by the cell above](a-1.png)",
        "```text\n5\n```",
        "```python\ndraw()\n```",
        "![Drawn by the cell above](a-2.png)",
    ]


def test_pictures_are_files() -> None:
    assert pictures(NOTEBOOK, "a") == {"a-1.png": b"drawn", "a-2.png": b"drawn"}


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("[x](notebooks/first_hour.ipynb)", "[x](notebooks/first_hour.md)"),
        ("[x](first_hour.ipynb)", "[x](first_hour.ipynb)"),  # of the page itself: the file
        ("[x](notebooks/other.ipynb)", "[x](notebooks/other.ipynb)"),
    ],
)
def test_links_to_the_notebook_lead_to_its_page(link: str, leads_to: str) -> None:
    assert on_page_markdown(link, SimpleNamespace(), None, None) == leads_to
