from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rad.commands.train import parse_run
from rad.experiment.config_file import to_json
from rad.sweep.grid import Grid, Trial, configured, trials

OUT = Path("sweep")


def made(
    typed: Sequence[str] = (),
    tasks: Sequence[str] = ("probe/both",),
    augments: Sequence[str] = ("none",),
    seeds: Sequence[int] = (1,),
    swept: Mapping[str, Sequence[str]] | None = None,
) -> list[Trial]:
    return trials(Grid(tasks, augments, seeds, swept or {}), typed, parse_run, OUT)


def test_the_grid_is_the_product_with_the_first_seeds_first() -> None:
    result = made(tasks=["dmc/walker-walk", "probe/both"], augments=["none", "crop"], seeds=[1, 2])
    names = [trial.name for trial in result]
    assert names[:4] == [
        "dmc-walker-walk/none/seed-1",
        "dmc-walker-walk/crop/seed-1",
        "probe-both/none/seed-1",
        "probe-both/crop/seed-1",
    ]
    assert len(set(names)) == 8 and all(name.endswith("seed-2") for name in names[4:])


def test_each_run_is_what_rad_train_would_do() -> None:
    for trial in made(
        ["--frames=70", "--no-tensorboard"], ["dmc/cheetah-run"], ["crop+flip/rotate"], [3], {"gamma": ["0.5"]}
    ):
        assert trial.name == "dmc-cheetah-run/crop+flip|rotate/gamma=0.5/seed-3"
        assert trial.folder == OUT / trial.name
        typed = "--task dmc/cheetah-run --augment crop+flip/rotate --seed 3 --frames 70 --no-tensorboard --gamma 0.5"
        assert trial.config == parse_run([*typed.split(), "--out", str(trial.folder)])
        assert trial.config.agent.critic_lr == 2e-4  # the preset's for this task


def test_without_augmentations_the_preset_decides() -> None:
    assert [trial.config.augment for trial in made(["--preset", "drq"], augments=[])] == ["shift"]


def test_swept_fields_are_folders_in_the_order_typed() -> None:
    result = made(swept={"hidden_dim": ["8", "16"], "gamma": ["0.9"], "share_draw": ["True", "false"]})
    assert [trial.name.removeprefix("probe-both/none/") for trial in result] == [
        "hidden_dim=8/gamma=0.9/share_draw=True/seed-1",
        "hidden_dim=8/gamma=0.9/share_draw=False/seed-1",
        "hidden_dim=16/gamma=0.9/share_draw=True/seed-1",
        "hidden_dim=16/gamma=0.9/share_draw=False/seed-1",
    ]
    config: Any = result[3].config
    assert (config.agent.hidden_dim, config.agent.gamma, config.agent.share_draw) == (16, 0.9, False)
    assert result[3].overrides == {"hidden_dim": "16", "gamma": "0.9", "share_draw": "False"}


def test_a_preset_can_be_swept_with_all_that_follows_from_it() -> None:
    rad, drq = made(augments=[], swept={"preset": ["rad", "drq"]})
    assert (rad.name, drq.name) == ("probe-both/crop/preset=rad/seed-1", "probe-both/shift/preset=drq/seed-1")
    assert drq.config.agent == parse_run(["--preset", "drq", "--task", "probe/both"]).agent


def test_two_spellings_of_a_number_are_one_run() -> None:
    (trial,) = made(swept={"actor_lr": ["1e-3", "0.001"]})
    assert trial.name == "probe-both/none/actor_lr=0.001/seed-1"


def test_runs_that_would_share_a_folder_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^--task: gym/a-b would share the folder sweep/gym-a-b/none/seed-1"):
        made(tasks=["gym/a/b", "gym/a-b"])


@pytest.mark.parametrize(
    ("swept", "said"),
    [
        ({"batchsize": ["1"]}, "unknown field 'batchsize'; known: action_repeat, actor_features, .*batch_size"),
        ({"augment": ["crop"]}, "augment has a flag of its own: --augment"),
        ({"seed": ["1"]}, "seed has a flag of its own: --seeds"),
        ({"out": ["x"]}, "out has a flag of its own: --out"),
        ({"tensorboard": ["maybe"]}, "tensorboard must be true or false, got maybe"),
        ({"batch_size": ["x"]}, "batch_size=x: --batch-size: must be a whole number"),
    ],
)
def test_what_cannot_be_swept(swept: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ValueError, match=f"^--sweep: {said}"):
        made(swept=swept)


def test_a_wrong_flag_of_the_runs_is_named_itself() -> None:
    with pytest.raises(ValueError, match=r"^--frames: "):
        made(["--frames", "x"], swept={"gamma": ["0.5"]})


def test_settings_for_one_task() -> None:
    config = configured("dmc/cheetah-run", {"gamma": "0.5"}, ["--frames", "70"], parse_run)
    assert to_json(config) == to_json(parse_run(["--task", "dmc/cheetah-run", "--frames", "70", "--gamma", "0.5"]))
