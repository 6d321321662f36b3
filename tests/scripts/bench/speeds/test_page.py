"""The page says what the fixed numbers say."""

import pytest

from scripts.bench.speeds import page
from tests.scripts.bench.speeds import numbers


def section(text: str, title: str) -> list[list[str]]:
    """Return the cells of the table below a title, line by line, its head first."""
    body = text.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [
        line for line in body.splitlines() if line.startswith("|") and not line.startswith(("| --", "| ---", "|--"))
    ]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def text() -> str:
    return page.page(numbers.results())


def test_the_machine_stands_before_the_numbers(text: str) -> None:
    head = text.split("## Targets")[0]
    assert "- Processor: A CPU, 2 cores, without AVX512-BF16, precision fp32\n" in head
    assert "numpy 1.26.4, torchvision 0.29.1, kornia 0.9.0, stable-baselines3 2.9.2, torchrl not installed" in head
    assert "- At most 3 rounds" in head and "- Commit: abc\n" in head
    assert "mean nothing" not in head


def test_parts_of_different_commits_are_told_apart() -> None:
    results = numbers.results()
    results["overlap"]["facts"] = results["overlap"]["facts"] | {"commit": "def"}
    others = ", ".join(name for name in results if name != "overlap")
    assert f"- Commit: abc ({others}); def (overlap)\n" in page.page(results)


def test_targets_are_met_or_short_by_so_much(text: str) -> None:
    rows = section(text, "Targets")
    assert [row[1:] for row in rows[1:]] == [
        ["at most 1.1", "1.04 (1.00-1.10)", "met"],
        ["at most 0.15", "0.04 (0.00-0.09)", "met"],  # of 104, 100 are updates
        ["at most 1.1", "1.32", "short by 20 %"],
        ["at most 0.15", "0.50", "short by 233 %"],  # of 40, 20 are rendering of training
        ["at least 400", "not measured", ""],
        ["at least 11,000", "not measured", ""],
    ]
    assert rows[1][0].startswith("`rad`: 100,000 frames over the larger") and rows[1][0].endswith("2 cores")


def test_updates_have_medians_and_ratios_within_rounds(text: str) -> None:
    head, row = section(text, "SAC: one update")
    cells = dict(zip(head, row))
    assert (cells["batch"], cells["encoder"], cells["replay"], cells["rounds"]) == ("128", "pixel", "1000", "3")
    assert (cells["fp32, ms"], cells["eager, ms"], cells["torchrl, ms"]) == ("10", "20", "not installed")
    assert cells["eager / fp32"] == "2.00x (1.60-2.50)"
    assert cells["stable-baselines3 / fp32"] == "3.00x (2.40-3.75)"


def test_whole_runs_have_minutes_and_evaluations_apart(text: str) -> None:
    head, *rows = section(text, "SAC: whole runs of cartpole-swingup")
    ours, eager, missing = (dict(zip(head, row)) for row in rows)
    assert (ours["steps/s"], ours["evaluating, steps/s"]) == ("10", "20")  # 8 frames each
    assert ours["minutes per 100,000 frames"] == "20.8"  # 100,000 / 80 / 60
    assert (ours["over eager"], eager["over eager"]) == ("2.00x", "1.00x")
    assert (missing["steps/s"], missing["minutes per 100,000 frames"]) == ("not installed", "")


def test_the_overlapped_run_has_minutes_with_evaluations(text: str) -> None:
    head, rad, _ = section(text, "SAC: simulation, learning and evaluation side by side")
    cells = dict(zip(head, rad))
    assert (cells["whole run, ms"], cells["minutes"]) == ("104", "21.7")  # 12,500 steps of 0.104 s
    assert cells["over the larger"] == "1.04x (1.00-1.10)"


def test_ppo_is_compared_within_its_task(text: str) -> None:
    head, missing, ours, eager, other = (row for row in section(text, "PPO: whole runs"))
    cells = dict(zip(head, ours))
    assert (cells["steps/s"], cells["evaluating, steps/s"], cells["update, s"]) == ("100", "500", "8")
    assert cells["over eager"] == "2.00x" and dict(zip(head, eager))["over eager"] == "1.00x"
    assert [dict(zip(head, row))["steps/s"] for row in (missing, other)] == ["procgen not installed", "not installed"]


def test_augmentations_leave_out_what_a_side_has_not(text: str) -> None:
    head, row = section(text, "Augmentations")
    assert dict(zip(head, row)) == {
        "operation": "crop", "ours": "2,000", "kornia": "500", "numpy": "900", "over the fastest": "2.20x",
        "rounds": "1",
    }  # fmt: skip


def test_no_gpu_is_said(text: str) -> None:
    assert "## GPU: not measured" in text


def test_what_failed_is_named_and_the_rest_stands() -> None:
    results = numbers.results()
    results["overlap"] = {"facts": numbers.FACTS, "rows": [], "error": "measuring whole ended with 1: boom"}
    text = page.page(results)
    assert text.count("Not measured: measuring whole ended with 1: boom") == 2  # targets too
    assert section(text, "SAC: one update")


def test_a_short_page_says_that_it_means_nothing() -> None:
    results = {name: part | {"facts": numbers.FACTS | {"short": True}} for name, part in numbers.results().items()}
    assert "**Tiny sizes, to see that everything runs: the numbers mean nothing.**" in page.page(results)
