"""The HTML page: sections put into the template, every text escaped, nothing loaded from elsewhere."""

import re
from collections.abc import Sequence

from rad.report.draw.style import file_name
from rad.report.page.blocks import Section, data_uri


def render(title: str, summary: str, sections: Sequence[Section]) -> bytes:
    """Return the page, with a summary line below its title.

    Raises:
        ModuleNotFoundError: jinja2 is missing; the text says how to get it.
    """
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("rad report needs jinja2: pip install 'rad-rl[report]'") from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rad.report.page", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "svg": lambda figure: data_uri(figure.svg, ".svg"),
        "anchor": file_name,
        "tight": lambda text: re.sub(r"(?<=\d) %", "\u00a0%", text),  # no line break before a percent sign
    }
    template = environment.get_template("page.html.jinja")
    text: str = template.render(title=title, summary=summary, sections=sections)
    return text.encode()
