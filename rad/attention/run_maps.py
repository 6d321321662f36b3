"""A run and what it is shown: its images, the robot in them, and its maps."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rad.agents.base import Agent
from rad.attention.methods import Maps, Settings, attend
from rad.attention.states import States
from rad.evaluation.loaded_run import LoadedRun, untrained_agent
from rad.runtime.seeding import seed_for
from rad.types import newest_frames


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of each run."""

    methods: tuple[str, ...]  # names of those to use, in the order of the figure's columns
    target: str  # what they explain
    settings: Settings  # how maps are made
    split: str  # that the states are from
    seed: int  # of the states and of all chance


@dataclasses.dataclass(frozen=True)
class Gaze:
    """One run, what it is shown, and where it looks."""

    label: str  # name of the run, different from all others
    run: LoadedRun  # as loaded
    fresh: Agent  # an agent like it that never learned, with other weights than the run began with
    images: Tensor  # float [B, C, H, W], what the encoder is given
    masks: NDArray[np.bool_] | None  # bool [B, H, W], the robot in these images; None where it is not known
    maps: Mapping[str, Maps]  # by method, float [B, H, W]
    fresh_maps: Mapping[str, Maps]  # the same of `fresh`

    @property
    def frames(self) -> NDArray[np.uint8]:
        """The newest frames, uint8 [B, H, W, 3]."""
        return newest_frames(self.images).cpu().numpy()


def look(label: str, run: LoadedRun, states: States, question: Question) -> Gaze:
    """Make the maps of a run and of one that never learned."""
    other_seed = seed_for(run.config.seed, "untrained", bits=31)
    fresh = untrained_agent(dataclasses.replace(run.config, seed=other_seed))
    images = run.agent.views.eval_view(torch.from_numpy(states.obs).to(run.agent.device))
    return Gaze(
        label,
        run,
        fresh,
        images,
        None if states.masks is None else _masks_seen(run.agent, states.masks),
        maps_of(run.agent, images, question),
        maps_of(fresh, images, question),
    )


def maps_of(agent: Agent, images: Tensor, question: Question) -> dict[str, Maps]:
    """Return the maps of an agent by method, float [B, H, W] each."""
    target = agent.target(question.target)
    return {name: attend(name, agent.encoder, target, images, question.settings) for name in question.methods}


def _masks_seen(agent: Agent, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return masks as the encoder's input is cut out of the observation."""
    stack = np.repeat((masks[:, None] * np.uint8(255)), agent.encoder.image_shape[0], axis=1)
    return (agent.views.eval_view(torch.from_numpy(stack).to(agent.device))[:, -1] > 0.5).cpu().numpy()
