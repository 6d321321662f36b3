"""The report as a whole: what stands on the page, and that nothing comes from elsewhere."""

import re
from html.parser import HTMLParser

import pytest

from rad.report.page import render
from rad.report.page.document import report
from rad.runtime import checkpoint
from tests.rad.report.seeds import make_seed, make_seeds, rows_of

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Outline(HTMLParser):
    """Collects tags and texts, and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def outline(files: dict[str, bytes]) -> Outline:
    result = Outline()
    result.feed(files["report.html"].decode())
    result.close()
    assert result.open == []
    return result


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    root = tmp_path_factory.mktemp("sweep")
    make_seeds(root, {"none": [10.0, 12.0, 14.0], "crop": [20.0, 22.0, 30.0]})
    make_seed(root, "flip", 1, rows_of(3.0, upto=200))
    for seed in (1, 2):
        make_seed(root, "crop", seed, rows_of(9.0 + seed, test=5.0), task="dmc/cheetah-run", agent={"lr": 2.0})
    run = root / "dmc-walker-walk" / "crop" / "seed-1"
    (run / "attention.png").write_bytes(b"\x89PNG")
    (run / "evaluation.mp4").write_bytes(b"film")
    (root / "sweep.json").write_text('{"commands": [["rad", "ablate", "--augment", "<b>&"]], "runs": ["gone"]}')
    return root


@pytest.fixture(scope="module")
def files(sweep):
    return report(sweep, sweep / "report", ["rad", "report", "sweep"]).files


@pytest.mark.slow
def test_figures_and_tables_are_files_too(files):
    names = ["curves-dmc-walker-walk-train", "curves-dmc-cheetah-run-test", "gaps-dmc-cheetah-run"]
    assert {f"{name}.{ending}" for name in names for ending in ("png", "svg")} <= files.keys()
    tables = ["returns-dmc-walker-walk", "returns-dmc-cheetah-run", "runs", "settings", "all-tasks"]
    assert {f"{name}.{ending}" for name in tables for ending in ("md", "csv", "tex")} <= files.keys()
    assert "report.html" in files and "commands.sh" in files


def test_everything_the_page_loads_is_inside_it(files):
    result = outline(files)
    sources = [words.get(name) or "" for _, words in result.tags for name in ("src", "poster", "srcset")]
    assert sum(source.startswith("data:image/svg+xml") for source in sources) == 5
    assert all(source.startswith("data:") for source in sources if source)
    assert not [tag for tag, _ in result.tags if tag in ("script", "iframe", "object")]
    text = files["report.html"].decode()
    assert not re.search(r"url\(|@import", text)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)


def test_links_lead_to_files_of_the_report_or_to_sections(files):
    result = outline(files)
    anchors = {words["id"] for _, words in result.tags if "id" in words}
    for link in (words["href"] for tag, words in result.tags if tag == "a"):
        assert link is not None and (link[1:] in anchors if link.startswith("#") else link in files)


def test_numbers_warnings_settings_and_commands_are_on_the_page(files):
    text = " ".join(outline(files).text.split())
    for words in (
        "9 runs (8 finished) of 3 methods on dmc/cheetah-run, dmc/walker-walk.",
        "2 seeds: nominal 95 % intervals contain the true value in about 50 % of cases",
        "dmc-walker-walk/flip/seed-1: 200 of 400 frames",
        "Not begun gone",
        "24.0",  # mean of crop
        "random policy 2.00",
        "these run folders hold no checkpoint that records them",
        "rad ablate --augment '<b>&'",
        "rad train --algo=sac --task=dmc/walker-walk --augment=crop --seed=1",
        "rad report sweep",
    ):
        assert words in text, words


def test_what_comes_from_files_is_escaped(files):
    assert b"<b>" not in files["report.html"] and b"&lt;b&gt;&amp;" in files["report.html"]


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(sweep, files):
    assert report(sweep, sweep / "report", ["rad", "report", "sweep"]).files == files


def test_a_phone_a_printer_and_the_dark_are_thought_of(files):
    text = files["report.html"].decode()
    for words in ("width=device-width", "prefers-color-scheme: dark", "@media print", 'lang="en"'):
        assert words in text
    assert all(words.get("alt") for tag, words in outline(files).tags if tag == "img")


WARNING = "Different renderers, whose pixels differ"


@pytest.mark.slow
def test_runs_drawn_by_different_renderers_are_warned_of(tmp_path):
    for seed, made_with in ((1, {"renderer": "llvmpipe"}), (2, {"renderer": "NVIDIA H200"}), (3, {})):
        folder = make_seed(tmp_path, "crop", seed, rows_of(8.0))
        checkpoint.save(folder / "checkpoints", 400, {"n": 1}, made_with=made_with)
    text = " ".join(outline(report(tmp_path, tmp_path / "report").files).text.split())
    assert f"{WARNING} NVIDIA H200; llvmpipe: compare only runs of the same renderer" in text


@pytest.mark.slow
def test_runs_that_record_no_renderer_are_warned_of_nothing(tmp_path):
    for seed, made_with in ((1, {"renderer": "llvmpipe"}), (2, {}), (3, {})):
        folder = make_seed(tmp_path, "crop", seed, rows_of(8.0))
        checkpoint.save(folder / "checkpoints", 400, {"n": 1}, made_with=made_with)
    text = outline(report(tmp_path, tmp_path / "report").files).text
    assert WARNING not in text and "Runs made with different versions" not in text


def test_runs_without_an_update_are_named(tmp_path):
    for seed, kinds in ((1, ("baseline", "train", "eval")), (2, ("baseline", "eval"))):
        make_seed(tmp_path, "crop", seed, [one for one in rows_of(8.0) if one["kind"] in kinds])
    make_seed(tmp_path, "none", 1, rows_of(8.0))
    text = " ".join(outline(report(tmp_path, tmp_path / "report").files).text.split())
    assert "those that they began with dmc-walker-walk/crop/seed-2 Few seeds" in text


def test_a_run_alone_has_a_report(tmp_path):
    folder = make_seed(tmp_path, "crop", 1, rows_of(8.0))
    text = outline(report(folder, folder / "report").files).text
    assert "1 run (1 finished) of 1 method on dmc/walker-walk." in text
    assert f"rad report {folder}" in text


def test_a_run_without_any_row_has_a_report(tmp_path):
    files = report(make_seed(tmp_path, "crop", 1, []), tmp_path / "report").files
    assert "0 of 400 frames" in outline(files).text
    assert not [name for name in files if name.endswith(".png")]


@pytest.mark.slow
def test_runs_on_tasks_without_a_known_range(tmp_path):
    make_seeds(tmp_path, {"none": [1.0, 2.0], "crop": [2.0, 3.0]}, task="probe/both")
    make_seeds(tmp_path, {"none": [1.0, 2.0], "crop": [2.0, 3.0]}, task="gym/x")
    assert "with a published range of returns" in outline(report(tmp_path, tmp_path / "report").files).text


@pytest.mark.slow
def test_length_and_success_of_episodes_are_shown_where_they_are_known(tmp_path):
    make_seed(tmp_path, "none", 1, rows_of(3.0))
    assert "success rate" not in outline(report(tmp_path, tmp_path / "report").files).text
    for seed, rate in ((1, 0.25), (2, 0.75)):
        rows = rows_of(8.0)
        rows[-1] |= {"success_rate": rate, "episode_frames_mean": 120.0}
        make_seed(tmp_path, "crop", seed, rows)
    files = report(tmp_path, tmp_path / "report").files
    (head, none, crop) = files["returns-dmc-walker-walk.csv"].decode().splitlines()[:3]
    assert head.endswith(",frames per episode,success rate")
    assert none.endswith(",,") and crop.endswith(",120.0,0.5")
    assert files["runs.csv"].decode().splitlines()[-1].endswith(",8.0,120.0,0.75")


def test_a_missing_template_engine_is_said(sweep, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(ModuleNotFoundError, match=r"rad report needs jinja2: pip install 'rad-rl\[report\]'"):
        render.render("t", "s", [])
