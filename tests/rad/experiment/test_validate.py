import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch

import augment
from rad.buffers.replay import Replay
from rad.experiment import validate
from rad.experiment.algorithms import ALGORITHMS
from rad.experiment.algorithms.off_policy import LEFT_BYTES, replay_frames
from rad.experiment.algorithms.sac import SAC
from rad.experiment.bounds import RUN_BOUNDS
from rad.experiment.config import RunConfig, values
from rad.experiment.presets import preset, presets
from rad.experiment.validate import check_bounds
from rad.runtime.run_dir import CONFIG_FILE
from tests.integration.runs import tiny, tiny_ppo

TOO_FAR: dict[str, tuple[Any, ...]] = {
    "seed": (-1, 2**63),
    "camera_id": (-2,),
    "image_size": (-1, 1, 15, 1025),
    "video_size": (0, 15, 1025),
    **dict.fromkeys(("threads", "action_repeat", "eval_every", "eval_workers", "checkpoint_every"), (-1,)),
    "log_every": (0, -1),
    **dict.fromkeys(("frames", "frame_stack", "num_envs", "eval_envs", "replay_capacity", "warmup_steps"), (0, -1)),
    "updates_per_step": (0.0, -1.0, math.nan, math.inf),
    **dict.fromkeys(("eval_episodes", "batch_size", "n_step", "hidden_dim"), (0, -1)),
    **dict.fromkeys(("projection_dim", "target_views", "critic_views"), (0, -1)),
    **dict.fromkeys(("actor_update_freq", "target_update_freq"), (0, -1)),
    **dict.fromkeys(("actor_lr", "critic_lr", "alpha_lr", "init_temperature"), (0.0, -1e-3, math.nan, math.inf)),
    **dict.fromkeys(("gamma", "critic_tau", "encoder_tau"), (0.0, 1.5, math.nan)),
    "alpha_beta1": (-0.1, 1.0, math.nan),
    **dict.fromkeys(("strong_weight", "tanh_floor"), (-0.1, 1.1, math.nan)),
    **dict.fromkeys(("log_std_min", "log_std_max"), (math.nan, math.inf)),
    **dict.fromkeys(("num_steps", "num_minibatches", "num_epochs"), (0, -1)),
    **dict.fromkeys(("lr", "adam_eps", "clip_coef", "target_kl", "init_kl_beta"), (0.0, -1e-3, math.nan, math.inf)),
    **dict.fromkeys(("max_grad_norm", "reward_clip"), (0.0, -1.0, math.nan)),
    **dict.fromkeys(("gae_lambda", "reward_gamma"), (-0.1, 1.1, math.nan)),
    **dict.fromkeys(("ent_coef", "vf_coef", "consistency_coef"), (-0.1, math.nan, math.inf)),
    "actors": (-1, 1025),
    "max_lag": (-1,),
    **dict.fromkeys(("optimizer_eps", "rho_clip", "c_clip"), (0.0, -1.0, math.nan, math.inf)),
}
AT_THE_EDGE: dict[str, tuple[Any, ...]] = {
    "seed": (0, 2**63 - 1),
    "image_size": (0, 16, 1024),
    "camera_id": (-1,),
    "gamma": (1.0, 1e-9),
    "alpha_beta1": (0.0,),
    **dict.fromkeys(("strong_weight", "tanh_floor"), (0.0, 1.0)),
    "warmup_steps": (1,),
    "frames": (1,),
    "gae_lambda": (0.0, 1.0),
    "ent_coef": (0.0,),
}


def with_value(name: str, value: Any) -> RunConfig:
    """Return a run of the first algorithm that has a field, with it, or that of a part of it, replaced."""
    config = next(run for run in (one.run() for one in ALGORITHMS.values()) if name in values(run))
    if name in vars(config):
        return dataclasses.replace(config, **{name: value})
    return dataclasses.replace(config, agent=dataclasses.replace(config.agent, **{name: value}))


def check(config: RunConfig, folder: Path = Path("runs/none")) -> None:
    validate.check(config, folder)


def test_tf32_on_a_cpu_is_refused_before_anything_is_made() -> None:
    with pytest.raises(ValueError, match=r"^precision: tf32 needs an NVIDIA GPU from Ampere on; this run is on cpu"):
        validate.check_settings(tiny(precision="tf32", device="cpu"))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_number_has_a_bound_and_every_bound_a_field(name: str) -> None:
    numbers = {field for field, value in values(ALGORITHMS[name].run()).items() if type(value) in (int, float)}
    assert numbers == RUN_BOUNDS.keys() | ALGORITHMS[name].bounds.keys()


def test_every_bound_is_tested() -> None:
    assert TOO_FAR.keys() == RUN_BOUNDS.keys() | {name for one in ALGORITHMS.values() for name in one.bounds}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in TOO_FAR for value in TOO_FAR[name]])
def test_a_number_beyond_its_bound_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError) as error:
        check_bounds(with_value(name, value))
    text = str(error.value)
    assert text.startswith(f"{name}: must be ") and text.endswith(f"got {value}")
    assert "\n" not in text


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in AT_THE_EDGE for value in AT_THE_EDGE[name]])
def test_a_number_at_its_bound_is_allowed(name: str, value: Any) -> None:
    check_bounds(with_value(name, value))


@pytest.mark.parametrize("name", presets())
def test_presets_are_within_their_bounds(name: str) -> None:
    config = preset(name)
    check_bounds(config)
    config.agent.check()


def test_an_augmentation_from_outside_that_draws_no_tensors_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tuple(augment.Augmentation):
        def _draw(self, shape: Any, generator: Any) -> Any:
            return (1.0,)

    monkeypatch.setitem(augment._REGISTRY, "own", Tuple)
    with pytest.raises(ValueError, match=r"^augment: Tuple\._draw must return tensors by name, got tuple$"):
        check(tiny(augment="own"))


def test_a_sound_run_passes_and_makes_nothing(tmp_path: Path) -> None:
    check(tiny(), tmp_path / "deep" / "run")
    assert list(tmp_path.iterdir()) == []


# What is wrong, the flag that must be named first, and what must be said.
WRONG: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"task": "probe/nope"}, {}, "task", "unknown task 'probe/nope'; known: value, "),
    ({"task": "atari/pong"}, {}, "task", "known: dmc, gym, probe"),
    ({"task": "probe/both-discrete"}, {}, "algo", "discrete actions, which sac cannot take; allowed: ppo"),
    ({"augment": "crp"}, {}, "augment", "unknown augmentation 'crp'; known: none, crop, "),
    ({"augment": "crop:ratio=0.5"}, {}, "augment", "ratio must be in [1, 10], got 0.5"),
    ({"augment": "crop:size2=3"}, {}, "augment", "unknown option 'size2'"),
    ({"augment": "cutout", "image_size": 16}, {}, "augment", "max_px must fit the image, got 30 for 16 x 16"),
    ({}, {"strong_augment": "crp"}, "strong_augment", "unknown augmentation 'crp'"),
    ({}, {"strong_augment": "cutout"}, "strong_augment", "max_px must fit the image, got 30 for 16 x 16"),
    ({"device": "tpu"}, {}, "device", "unknown device 'tpu'; known: auto, cpu, cuda"),
    ({"device": "cuda:99"}, {}, "device", "'cuda:99' is not available"),
    ({"encoder": "resnet"}, {}, "encoder", "unknown encoder 'resnet'; known: pixel"),
    ({"encoder": "pixel:num_layers=9"}, {}, "image_size", "too small"),
    (
        {"encoder": "pixel:depth=9"},
        {},
        "encoder",
        "strides=... once, got 'depth=9'",
    ),
    ({"encoder": "pixel:num_filters=x"}, {}, "encoder", "num_filters must be of type int, got 'x'"),
    ({"encoder": "pixel:strides=2-0"}, {}, "encoder", "strides must be at most 4 numbers from 1"),
    ({"encoder": "nature:width=2"}, {}, "encoder", "takes each of the options none once, got 'width=2'"),
    ({"auxiliary_loss": "spr"}, {}, "auxiliary_loss", "unknown auxiliary loss 'spr'; known: curl"),
    ({"auxiliary_loss": "curl:tau=0"}, {}, "auxiliary_loss", "curl: tau must be above 0 and at most 1, got 0.0"),
    ({}, {"actor_features": "never"}, "actor_features", "must be after or before, got 'never'"),
    ({"camera_id": 3}, {}, "camera_id", "3 is impossible for probe tasks; allowed: 0"),
    ({"render_quality": "fast"}, {}, "render_quality", "fast is impossible for probe tasks; allowed: paper"),
    ({"augment": "crop:ratio=10", "image_size": 300}, {}, "image_size", "must be from 1 to 2048, got 3000"),
    ({}, {"log_std_min": 2.0}, "log_std_min", "must be below log_std_max 2.0, got 2.0"),
    ({}, {"strong_weight": 0.7}, "strong_weight", "a strong_augment that is not none; allowed here: 0.5, got 0.7"),
    ({}, {"share_draw": True, "target_views": 2}, "share_draw", "got 2 and 1"),
    ({"replay_capacity": 7, "num_envs": 4}, {}, "replay_capacity", "at least 12 with 4 environments"),
    ({"warmup_steps": 3, "num_envs": 2}, {"n_step": 3}, "warmup_steps", "must be at least 6"),
]


@pytest.mark.parametrize(
    ("run", "agent", "name", "said"), WRONG, ids=[f"{name}-{said[:20]}" for *_, name, said in WRONG]
)
def test_what_is_wrong_is_named_in_one_line(run: dict, agent: dict, name: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        check(tiny(agent, **run))
    text = str(error.value)
    assert text.startswith(f"{name}: ")
    assert said in text and "\n" not in text


@pytest.mark.parametrize(
    ("run", "agent"),
    [
        ({}, {"log_std_min": 1.9}),
        ({}, {"share_draw": True, "target_views": 2, "critic_views": 2}),
        ({"replay_capacity": 12, "num_envs": 4}, {}),
        ({"warmup_steps": 6, "num_envs": 2}, {"n_step": 3}),
        ({"augment": "crop+cutout:max_px=12/flip", "image_size": 20}, {"strong_augment": "random_conv"}),
        ({"device": "cpu"}, {}),
    ],
)
def test_what_is_just_right_passes(run: dict, agent: dict) -> None:
    check(tiny(agent, **run))


def test_a_replay_larger_than_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # 100,000 frames of 3 x 100 x 100 bytes take 3.0 GB
    config = dataclasses.replace(tiny(augment="crop", image_size=84, frames=10**6), replay_capacity=100_000)
    monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 2_999_999_999)
    with pytest.raises(ValueError) as error:
        check(config)
    assert str(error.value) == (
        "replay_capacity: 100,000 frames of 100x100 pixels need 3.0 GB, but 3.0 GB of memory are free; "
        "allowed here: at most 99,999"
    )
    monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 3_000_000_000)
    check(config)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Pretend that there is a GPU, which runs are on unless they name the CPU; return what is free, to be changed."""
    free = {"cuda": 10**11, "cpu": 10**11}

    def resolve(name: str) -> torch.device:
        return torch.device("cuda" if name == "auto" else name)

    monkeypatch.setattr(validate.device, "resolve_device", resolve)
    monkeypatch.setattr(validate.device, "free_bytes_on", lambda target: free[target.type])
    return free


LARGE = dataclasses.replace(tiny(augment="crop", image_size=84, frames=10**6), replay_capacity=100_000)  # 3.0 GB


def placed(**options: Any) -> str:
    return str(SAC.stored(dataclasses.replace(LARGE, **options), 100).device)


def test_a_replay_lies_on_the_gpu_where_it_fits_beside_the_networks(gpu: dict[str, int]) -> None:
    assert placed() == placed(replay_device="cuda") == "cuda"
    assert placed(device="cuda:1") == "cuda:1"
    assert placed(replay_device="cpu") == placed(device="cpu") == placed(device="cpu", replay_device="cuda") == "cpu"
    gpu["cuda"] = 3 * 10**9 + LEFT_BYTES
    assert placed() == "cuda"
    gpu["cuda"] -= 1
    assert placed() == "cpu" and placed(replay_device="cuda") == "cuda"


@pytest.mark.parametrize(
    ("place", "run_device", "allowed"),
    [
        ("cuda:99", "auto", "auto, cpu, cuda with device cuda"),
        ("cuda:0", "cuda:1", "auto, cpu, cuda, cuda:1 with device cuda:1"),
        ("gpu", "cpu", "auto, cpu with device cpu"),
        ("cuda", "cpu", "auto, cpu with device cpu"),
    ],
)
def test_a_replay_elsewhere_is_refused(gpu: dict[str, int], place: str, run_device: str, allowed: str) -> None:
    config = dataclasses.replace(LARGE, device=run_device, replay_device=place)
    with pytest.raises(ValueError, match=f"^replay_device: must be {allowed}, got {place}$"):
        SAC.check(config, (84, 84))


def test_the_memory_that_counts_is_that_of_the_device_that_stores(gpu: dict[str, int]) -> None:
    on_gpu = dataclasses.replace(LARGE, replay_device="cuda")
    gpu["cuda"] = gpu["cpu"] = 10**9
    needs = "^replay_capacity: 100,000 frames of 100x100 pixels need 3.0 GB, but 1.0 GB"
    with pytest.raises(ValueError, match=f"{needs} of the memory of cuda are free; allowed here: at most 33,333$"):
        validate.check_memory(on_gpu, 100)
    with pytest.raises(ValueError, match=f"{needs} of memory are free; allowed here: at most 33,333$"):
        validate.check_memory(LARGE, 100)
    gpu["cpu"] = 10**10
    validate.check_memory(LARGE, 100)
    gpu["cuda"], gpu["cpu"] = 10**10, 10**9
    validate.check_memory(on_gpu, 100)
    rollout = dataclasses.replace(tiny_ppo({"num_steps": 10**6}), device="cuda")
    gpu["cuda"] = 10**6
    with pytest.raises(ValueError, match=r"^num_steps: .* of the memory of cuda are free"):
        validate.check_memory(rollout, 64)


def test_a_short_run_needs_no_more_memory_than_its_own_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 10**6)
    check(dataclasses.replace(tiny(frames=60), replay_capacity=100_000))  # under 200 frames of 768 bytes


@pytest.mark.parametrize("num_envs", [1, 50])
def test_the_shortest_run_has_a_replay_that_can_be_sampled(num_envs: int) -> None:
    frames = replay_frames(tiny({"n_step": 3}, frames=1, num_envs=num_envs))
    assert frames // num_envs >= Replay.least_slots(frame_stack=1, n_step=3)


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^out: {tmp_path} exists; choose another name$"):
        check(tiny(), tmp_path)
    (tmp_path / CONFIG_FILE).touch()
    with pytest.raises(ValueError, match=f"^out: {tmp_path} exists; .* rad train --resume {tmp_path}"):
        check(tiny(), tmp_path)


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"^out: .*run cannot be made: .*file is no folder"):
        check(tiny(), tmp_path / "file" / "deep" / "run")
