"""Attention figures, lifts and videos: found, matched to tasks, inside the page or linked."""

import json

import pytest

from rad.report.draw.tables import Table, text
from rad.report.page import blocks
from rad.report.page.attention import attention_section, lifts, read_attention, video_section
from rad.report.page.blocks import AssetInliner, Command, Video
from rad.report.page.sections import task_section
from rad.report.read.groups import find_runs, group, method_name
from tests.rad.report.seeds import groups_in, make_seed, rows_of

QUESTION = {"target": "policy", "split": "train", "states": 2, "seed": 0, "settings": {}}


def numbers(method: str, mass: float, augmentation: str = "crop") -> dict:
    about = {"run": "r", "augmentation": augmentation, "seed": 1, "frames": 4, "episode_return": 7.0, "method": method}
    areas = {"mass": [mass, mass], "area": [0.1, 0.1], "wide_mass": [mass, mass], "wide_area": [0.2, 0.2]}
    return about | areas | {"insertion": 0.5, "deletion": 0.25}


def write_attention(folder, *rows, question=QUESTION):
    folder.mkdir(parents=True)
    (folder / "attention.json").write_text(json.dumps({"question": question, "numbers": rows}))
    (folder / "attention-1.png").write_bytes(b"picture")


@pytest.fixture
def sweep(tmp_path):
    for task in ("dmc/walker-walk", "dmc/cheetah-run"):
        for name in ("none", "crop"):
            folder = make_seed(tmp_path, name, 1, rows_of(3.0), task=task)
            (folder / "attention.png").write_bytes(b"own picture")
            (folder / "evaluation.mp4").write_bytes(b"film")
    return tmp_path


def test_a_lift_belongs_to_the_task_of_the_runs_around_its_folder(sweep):
    write_attention(sweep / "dmc-walker-walk" / "look", numbers("activation", 0.3), numbers("gradient", 0.2))
    folders = read_attention(find_runs(sweep))
    method, result = lifts(folders, "dmc/walker-walk")
    assert method == "activation" and result["crop"].mean.value == pytest.approx(3.0) and result["crop"].agents == 1
    assert lifts(folders, "dmc/cheetah-run") == ("", {})


def test_the_lift_of_runs_with_a_strong_augmentation_is_in_the_report(tmp_path):
    agent = {"strong_augment": "random_conv"}
    folder = make_seed(tmp_path, "shift", 1, rows_of(3.0), agent=agent)
    write_attention(
        folder.parent / "maps", numbers("activation", 0.3, method_name({"augment": "shift", "agent": agent}))
    )
    (group,) = groups_in(tmp_path)
    section = task_section([group], lifts(read_attention(find_runs(tmp_path)), group.task))
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.texts[0][0] == group.method == "shift and strong random_conv"
    assert table.texts[0][table.names.index("lift, activation [95 %]")].startswith("3.00")
    assert table.texts[0][table.names.index("agents")] == "1"


def test_among_runs_of_several_tasks_a_lift_belongs_to_none(sweep):
    write_attention(sweep / "look", numbers("activation", 0.3))
    assert read_attention(find_runs(sweep))[0].task == ""


def test_without_an_activation_the_first_map_counts_and_controls_never(sweep):
    rows = [numbers("control: random", 0.1), numbers("hires_cam", 0.2), numbers("gradient", 0.4)]
    write_attention(sweep / "dmc-walker-walk" / "look", *rows)
    method, result = lifts(read_attention(find_runs(sweep)), "dmc/walker-walk")
    assert method == "hires_cam" and result["crop"].mean.value == pytest.approx(2.0)


def test_the_section_has_the_table_its_figure_and_one_of_each_method(sweep):
    look = sweep / "dmc-walker-walk" / "look"
    write_attention(look, numbers("activation", 0.3))
    for name in ("attention-10.png", "attention-2.png", "attention-1_2.png"):
        (look / name).write_bytes(name.encode())
    result = find_runs(sweep)
    groups, _ = group(result.runs)
    (section,) = attention_section(read_attention(result), groups, result, AssetInliner(sweep / "report"))
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.texts[0][:4] == ["crop", "activation", "1", "7"]
    assert text(table.rows[0][4], 2) == "3.00 [3.00, 3.00]"
    titles = [block.title for block in section.blocks if type(block).__name__ == "Picture"]
    assert len(titles) == 4 + 4
    figures = [title.partition(":")[0] for title in titles[:4]]
    assert figures == [f"dmc-walker-walk/look/attention-{number}.png" for number in ("1", "1_2", "2", "10")]


@pytest.mark.parametrize("name", ["states", "frames"])
def test_the_table_says_how_many_states_there_were_whatever_they_were_called(sweep, name):
    question = {(name if key == "states" else key): value for key, value in QUESTION.items()}
    write_attention(sweep / "look", numbers("activation", 0.3), question=question)
    result = find_runs(sweep)
    (section,) = attention_section(read_attention(result), group(result.runs)[0], result, AssetInliner(sweep))
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert "2 states, target policy, split train." in table.notes
    (command,) = [block.text for block in section.blocks if isinstance(block, Command)]
    assert " --states=2 " in command


def test_without_pictures_there_is_no_section(tmp_path):
    make_seed(tmp_path, "crop", 1, rows_of(3.0))
    result = find_runs(tmp_path)
    groups, _ = group(result.runs)
    assert (
        attention_section([], groups, result, AssetInliner(tmp_path))
        == video_section(groups, result, AssetInliner(tmp_path))
        == []
    )


def videos_of(sweep, assets):
    result = find_runs(sweep)
    groups, _ = group(result.runs)
    (section,) = video_section(groups, result, assets)
    return section, [block for block in section.blocks if isinstance(block, Video)]


def test_small_videos_are_inside_the_page(sweep):
    section, videos = videos_of(sweep, AssetInliner(sweep / "report"))
    assert len(videos) == 4 and all(video.is_inside for video in videos)
    assert videos[0].source == "data:video/mp4;base64,ZmlsbQ=="
    assert "4 of 4" in section.blocks[0]


def test_large_videos_are_linked_from_the_page(sweep, monkeypatch):
    monkeypatch.setattr(blocks, "FILE_BYTES", 3)
    section, videos = videos_of(sweep, AssetInliner(sweep / "report"))
    assert not any(video.is_inside for video in videos)
    assert videos[0].source == "../dmc-cheetah-run/none/seed-1/evaluation.mp4"
    assert "0 of 4" in section.blocks[0]


def test_the_page_takes_no_more_than_it_may(sweep):
    _, videos = videos_of(sweep, AssetInliner(sweep / "report", left=9))
    assert [video.is_inside for video in videos] == [True, True, False, False]


@pytest.mark.parametrize("content", ["{", "[]", '{"question": {}}', '{"question": {}, "numbers": [{}]}'])
def test_a_foreign_or_damaged_file_is_left_out_and_named(sweep, content):
    (sweep / "attention").mkdir(exist_ok=True)
    (sweep / "clone" / "bench").mkdir(parents=True)
    (sweep / "clone" / "bench" / "attention.json").write_text(content)
    result = find_runs(sweep)
    before = len(read_attention(result))
    assert before == len(result.attention) - 1
    (line,) = result.unread
    assert line.startswith("clone/bench/attention.json is not what rad attention writes: ")
