"""The files of Minari, a format for data sets of episodes: https://minari.farama.org."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv

from rad import __version__

METADATA_FILE = "metadata.json"
IMAGE_SIDE = 32  # from which on it takes an array of two or three axes for an image


class Episode(NamedTuple):
    """An episode of T agent steps."""

    observations: np.ndarray  # uint8 [T + 1, C, H, W], as the agent saw them, the last one behind the last step
    actions: np.ndarray  # float32 [T, A] in [-1, 1], or int64 [T]
    rewards: np.ndarray  # float64 [T]
    terminations: np.ndarray  # bool [T]
    truncations: np.ndarray  # bool [T]
    states: np.ndarray  # of the simulator, [T + 1, S], padded with zeros; S = 0 where it has none
    state_sizes: np.ndarray  # int64 [T + 1], without padding


def check_installed() -> None:
    """Raise a ModuleNotFoundError unless Minari and what it stores with are installed."""
    try:
        import h5py  # noqa: F401
        import minari  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"recording needs {error.name}: pip install 'rad-rl[record]'") from error


def check_space(env: VectorEnv) -> None:
    """Raise a ValueError if Minari takes observations for images, as [H, W, C], which it stores with losses."""
    channels = (env.single_observation_space.shape or (0,))[0]
    if channels >= IMAGE_SIDE:
        needs = f"observations must have less than {IMAGE_SIDE} channels, or Minari stores them with losses"
        raise ValueError(f"{needs}; got {channels}")


def load_episode(path: Path) -> Episode:
    """Read an episode from an npz file with its fields."""
    with np.load(path) as arrays:
        return Episode(**{name: arrays[name] for name in Episode._fields})


def write(
    folder: Path,
    env: VectorEnv,
    episodes: Iterable[Episode],
    seeds: Sequence[int],
    name: str,
    request: Mapping[str, Any],
) -> None:
    """Write a new data set of episodes with their seeds, and what was recorded, into a folder that does not exist.

    Infos hold `state`, bytes as int8 since Minari makes JPEGs of uint8, and `state_size`; the metadata of each episode
    its split and return.
    """
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    returns = []

    def buffers() -> Iterator[EpisodeBuffer]:
        for episode, seed in zip(episodes, seeds):
            returns.append(float(episode.rewards.sum()))
            states = episode.states.view(np.int8) if episode.states.dtype == np.uint8 else episode.states
            infos = {"state": states, "state_size": episode.state_sizes} if states.size else {}
            names = ("observations", "actions", "rewards", "terminations", "truncations")
            yield EpisodeBuffer(seed=seed, infos=infos, **{name: getattr(episode, name) for name in names})

    folder.mkdir()
    spaces = env.single_observation_space, env.single_action_space
    storage = MinariStorage.new(folder.resolve(), *spaces, data_format="hdf5")  # which joins relative paths twice
    storage.update_episodes(buffers())
    storage.update_episode_metadata({"split": request["split"], "episode_return": value} for value in returns)
    storage.update_metadata(_metadata(name, request))


def _metadata(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a whole data set; its id is the name of its folder, with a version."""
    import minari

    word = re.sub(r"[^\w-]+", "-", name)
    settings = request["settings"]
    return {
        "dataset_id": word if re.search(r"-v\d+$", word) else f"{word}-v0",
        "minari_version": minari.__version__,
        "algorithm_name": settings["algo"],
        "description": f"{settings['task']}, split {request['split']}, played by {request['run']} of rad-rl",
        "requirements": [f"rad-rl=={__version__}"],
        "recording": dict(request),
    }
