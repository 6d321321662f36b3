"""The page in a browser: nothing is missing, nothing is wider than the screen, it prints."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rad import cli
from tests.rad.report.seeds import make_seed, make_seeds, rows_of

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")

PROBE = """<script>
const faults = [];
addEventListener("error", event => faults.push(event.message || "not loaded"), true);
addEventListener("load", () => {
  for (const image of document.images) if (!image.complete || !image.naturalWidth) faults.push(image.alt);
  const wide = [...document.querySelectorAll("body *")].filter(
    element => !element.closest(".scroll, svg") && element.getBoundingClientRect().right > innerWidth + 1);
  for (const element of wide) faults.push("too wide: " + element.tagName + " " + element.className);
  document.title = "probed " + document.images.length + " " + JSON.stringify(faults);
});
</script>"""


def browse(*flags: str) -> str:
    common = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    done = subprocess.run([str(BROWSER), *common, *flags], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("sweep")
    names = ["none", "crop", "flip", "crop+flip", "flip+crop", "rotate", "cutout", "translate"]
    make_seeds(root, {name: [100.0 + 7 * len(name), 140.0] for name in names})
    make_seed(root, "crop", 1, rows_of(9.0, test=5.0), task="dmc/cheetah-run")
    assert cli.main(["report", str(root)]) == 0
    return root / "report" / "report.html"


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_images_load_and_nothing_is_cut_off(page, width, scheme):
    # A frame has the width of a phone, which a window of this browser cannot have.
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text().replace("<head>", f"<head>{PROBE}"))
    frame = page.with_name("frame.html")
    frame.write_text(
        f'<iframe id="f" src="probed.html" width="{width}" height="900"></iframe><script>'
        'addEventListener("message", e => document.body.dataset.found = e.data)</script>'
    )
    probed.write_text(
        probed.read_text().replace(
            "JSON.stringify(faults);", "JSON.stringify(faults); parent.postMessage(document.title, '*');"
        )
    )
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    text = browse(*dark, "--virtual-time-budget=5000", "--window-size=1400,1000", "--dump-dom", frame.as_uri())
    result = re.search(r'data-found="probed (\d+) (.*?)"', text)
    assert result and int(result[1]) >= 4 and result[2] == "[]", text[:500]


def test_it_prints(page, tmp_path):
    browse(f"--print-to-pdf={tmp_path / 'page.pdf'}", page.as_uri())
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
