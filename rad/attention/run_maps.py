"""The maps of a run on states: its images, the robot in them, and its maps beside those of an untrained agent."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rad.agents.base import Agent
from rad.attention.ground_truth.effects import Truth, ground_truth, view_of_masks
from rad.attention.methods import Maps, Settings, attend
from rad.attention.states import States
from rad.evaluation.loaded_run import LoadedRun, untrained_agent
from rad.runtime.seeding import seed_for


@dataclasses.dataclass(frozen=True)
class AttentionRequest:
    """Which maps of a run are made, on which states."""

    methods: tuple[str, ...]  # in the order of the figure's columns
    target: str  # what they explain
    settings: Settings
    split: str  # that the states are from
    seed: int  # of the states and of everything random
    change: str = ""  # of each object, for the ground truth; "" for none


@dataclasses.dataclass(frozen=True)
class RunMaps:
    """The maps of a run."""

    label: str  # name of the run, different from all others
    run: LoadedRun
    untrained: Agent  # of the same shape, with other weights than the run began with
    images: Tensor  # float [B, C, H, W], what the encoder is given
    masks: NDArray[np.bool_] | None  # bool [B, H, W], the robot in these images; None where it is not known
    maps: Mapping[str, Maps]  # by method, float [B, H, W]
    untrained_maps: Mapping[str, Maps]
    truth: Truth | None  # what each object does to the agent's output; on request
    untrained_truth: Truth | None

    @property
    def frames(self) -> NDArray[np.uint8]:
        """The newest frames, uint8 [B, H, W, 3]."""
        return newest_frames(self.images)


def newest_frames(images: Tensor) -> NDArray[np.uint8]:
    """Turn float [B, C, H, W] in [0, 1] into pictures of the newest frames, uint8 [B, H, W, 3]."""
    return (images[:, -3:] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def compute_maps(label: str, run: LoadedRun, states: States, request: AttentionRequest) -> RunMaps:
    """Make the maps of a run and of an untrained agent."""
    other_seed = seed_for(run.config.seed, "untrained", bits=31)
    untrained = untrained_agent(dataclasses.replace(run.config, seed=other_seed))
    images = run.agent.views.eval_view(torch.from_numpy(states.obs).to(run.agent.device))
    masks = None if states.masks is None else view_of_masks(run.agent, states.masks)
    agents, objects = (run.agent, untrained), states.objects
    maps, untrained_maps = (maps_of(agent, images, request) for agent in agents)
    truth, untrained_truth = (
        None if objects is None else ground_truth(agent, request.target, images, objects) for agent in agents
    )
    return RunMaps(label, run, untrained, images, masks, maps, untrained_maps, truth, untrained_truth)


def maps_of(agent: Agent, images: Tensor, request: AttentionRequest) -> dict[str, Maps]:
    """Return the maps of an agent by method, float [B, H, W] each."""
    target = agent.target(request.target)
    return {name: attend(name, agent.encoder, target, images, request.settings) for name in request.methods}
