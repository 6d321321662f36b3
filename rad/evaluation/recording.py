"""Episodes of a trained run, recorded with the simulator's states, and written as a data set of Minari."""

import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv

from rad.envs.base import check_action
from rad.envs.suites import TRAIN
from rad.evaluation import minari_files
from rad.evaluation.loaded_run import LoadedRun, load, policy_of
from rad.evaluation.minari_files import Episode
from rad.evaluation.play import Policy
from rad.experiment.build import make_env
from rad.experiment.config_file import to_json
from rad.experiment.splits import check_split
from rad.report.read.groups import differences
from rad.runtime.files import TEMPORARY_PREFIX, locked, read_object, replacing, sync_folder, write_object
from rad.runtime.progress.line import Lines
from rad.runtime.seeding import seed_for
from rad.settings import SettingError, mention

REQUEST_FILE = "recording.json"  # what is recorded
PARTS = "episodes"  # folder of the episodes so far, until all are in the data set
DATA = "data"  # folder of the data set


class Recorded(NamedTuple):
    """A data set that is complete."""

    folder: Path
    episodes: int
    steps: int


def record(
    run: Path,
    out: Path,
    *,
    episodes: int = 10,
    split: str = "",
    policy: Literal["", "sample", "mode"] = "",
    seed: int = 0,
    device: str = "auto",
) -> Recorded:
    """Play episodes with a trained run on a split, and write them to OUT/data in Minari's format.

    Each episode has a seed of its own and does not depend on those before it. An interrupted recording keeps the
    episodes that are complete; the same call plays the others, and the data set is that of one without interruption.

    Args:
        run: a run folder.
        out: a new folder, or one that the same call has begun.
        episodes: at least 1.
        split: "" for what the run trains on.
        policy: "" for that of the run's evaluations.
        seed: of the episodes.
        device: auto, cpu, cuda or cuda:N.

    Raises:
        SettingError: there is no such split, or `out` holds something else or another number of episodes.
        ValueError: `run` is no run with a checkpoint, or stacks more frames than Minari can store.
        BlockingIOError: another process records there.
        ModuleNotFoundError: minari is not installed.
    """
    minari_files.check_installed()
    loaded = load(run, device)
    split, kind = split or TRAIN, policy or loaded.config.eval_policy
    check_split(loaded.config, split)
    with closing(make_env(loaded.config, "evaluation", split=split)) as env:
        minari_files.check_space(env)
        request = _request(run, loaded, split, kind, seed)
        _begin(out, request)
        with locked(out / REQUEST_FILE):
            if not (out / DATA).exists():
                _record(out, env, loaded, [seed_for(seed, "record", i, bits=31) for i in range(episodes)], request)
            shutil.rmtree(out / PARTS, ignore_errors=True)
    counts = read_object(out / DATA / minari_files.METADATA_FILE)
    if counts["total_episodes"] != episodes:
        held = f"{counts['total_episodes']}, as many as {out} holds"
        raise SettingError("episodes", episodes, held + mention(", or {out} another folder"))
    return Recorded(out / DATA, episodes, counts["total_steps"])


def play_episode(env: VectorEnv, policy: Policy, seed: int) -> Episode:
    """Play the episode of a seed in a single environment of `rad.envs.make`.

    Where the suite never draws the last picture of an episode, as Procgen, the last observation and state are those
    before once more.
    """
    vector: Any = env
    vector.set_attr("tells_state", [True])
    obs, infos = env.reset(seed=seed)
    observations, states = [obs[0]], [_state(infos)]
    steps: list[tuple[Any, float, bool, bool]] = []
    over = False
    while not over:
        action = policy(obs)
        obs, reward, terminated, truncated, infos = env.step(action)
        taken = check_action(action[0], vector.single_action_space)  # which clips, as the environment does
        steps.append((taken, float(reward[0]), bool(terminated[0]), bool(truncated[0])))
        over = bool(terminated[0] or truncated[0])
        if not over:
            observations.append(obs[0])
            states.append(_state(infos))
    observations.append(infos["final_obs"][0] if "final_obs" in infos else observations[-1])
    states.append(_state(infos["final_info"]) if "final_info" in infos else states[-1])
    sizes = np.array([len(state) for state in states])
    padded = [np.pad(state, (0, sizes.max() - len(state))) for state in states]
    actions, rewards, terminations, truncations = map(np.array, zip(*steps))
    return Episode(np.stack(observations), actions, rewards, terminations, truncations, np.stack(padded), sizes)


def _state(infos: Any) -> np.ndarray:
    """Return the simulator's state of the only environment, [S]; of size 0 where the suite has none."""
    return np.asarray(infos["state"][0]) if "state" in infos else np.zeros(0)


def _request(run: Path, loaded: LoadedRun, split: str, policy: str, seed: int) -> dict[str, Any]:
    """Return what decides all episodes."""
    settings = to_json(replace(loaded.config, out=None, device=""))
    settings.pop("plugins", None)  # files, which may move
    asked = {"split": split, "policy": policy, "episode_seed": seed, "frames_trained": loaded.frames}
    return {"run": run.resolve().name, **asked, "settings": settings}


def _begin(out: Path, request: dict[str, Any]) -> None:
    """Make the folder, or check that it is of the same request."""
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / REQUEST_FILE).is_file())):
        raise SettingError("out", f"{out} holds something else than a recording; choose another folder")
    if (out / REQUEST_FILE).exists():
        before = read_object(out / REQUEST_FILE)
        before.get("settings", {}).pop("plugins", None)  # version 0.2.0 wrote them
        if different := differences([before, request]):
            named = ", ".join(
                f"{name.removeprefix('episode_')} {there}, now {here}" for name, (there, here) in different.items()
            )
            raise SettingError("out", f"{out} was recorded with {named}; choose another folder")
        return
    out.mkdir(parents=True, exist_ok=True)
    write_object(out / REQUEST_FILE, request)


def _record(out: Path, env: VectorEnv, loaded: LoadedRun, seeds: list[int], request: dict[str, Any]) -> None:
    """Play the episodes that are missing, one for each seed, show how many there are, and write the data set."""
    (out / PARTS).mkdir(exist_ok=True)
    with closing(Lines()) as shown:
        for index, seed in enumerate(seeds):
            if _part(out, index).exists():
                continue
            shown.show_if_due(f"{index}/{len(seeds)} episodes")
            played = play_episode(env, policy_of(loaded.agent, request["policy"], seed), seed)
            with replacing(_part(out, index)) as file:
                np.savez_compressed(file, **played._asdict())
        shown.clear()
    _write(out, env, seeds, request)


def _part(out: Path, index: int) -> Path:
    return out / PARTS / f"{index:06d}.npz"


def _write(out: Path, env: VectorEnv, seeds: list[int], request: dict[str, Any]) -> None:
    """Write the data set from its parts beside its place, and move it there."""
    temporary = out / f"{TEMPORARY_PREFIX}{DATA}"
    shutil.rmtree(temporary, ignore_errors=True)
    parts = (minari_files.load_episode(_part(out, index)) for index in range(len(seeds)))
    minari_files.write(temporary, env, parts, seeds, out.resolve().name, request)
    os.replace(temporary, out / DATA)
    sync_folder(out)
