"""Where the actors of a run of IMPALA act: in the learner's process, in others of this machine, or on a Ray cluster."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from gymnasium.vector import VectorEnv

from rad import envs
from rad.actors.actor import Actor
from rad.actors.loop import InProcess, Source
from rad.actors.pool import Pool, Workers, pack
from rad.actors.processes import Processes
from rad.actors.ray import RayWorkers
from rad.agents.base import PolicyState
from rad.agents.impala import IMPALAAgent
from rad.envs.pixel_env import leave_signals_to_parent
from rad.experiment import cluster
from rad.experiment.build import make_env
from rad.runtime import device, plugins
from rad.runtime.seeding import seed_for
from rad.settings import SettingError

GENERATORS = ("generator", "view_generator")  # of an agent, from which an actor draws


def make_source(config: Any, env: VectorEnv, agent: IMPALAAgent) -> Source:
    """Return the actors of an `IMPALARun`, which begin to act when they are first needed."""
    if not config.actors:
        return InProcess(Actor(env, agent, config.agent.num_steps))
    # An actor is on a CPU; where the learner is too, both compute alike.
    precision = config.precision if agent.device.type == "cpu" else "fp32"
    make = functools.partial(make_actor, replace(config, device="cpu", precision=precision), plugins.loaded())
    connect = functools.partial(_connect, config.address, config.actors)
    workers: Workers = RayWorkers(make, connect) if config.address else Processes(make, config.actors)
    return Pool(workers, config.actors, fixed=config.order == "fixed")


def _connect(address: str, actors: int) -> Any:
    """Connect to a cluster that has a CPU for each actor; a SettingError if it has fewer."""
    ray = cluster.connect(address, actors, "address")
    if (cpus := int(ray.cluster_resources().get("CPU", 0))) < actors:
        raise SettingError("actors", actors, f"at most {cpus}, the CPUs of the cluster at {address}")
    return ray


def make_actor(config: Any, names: Sequence[str], index: int, state: Mapping[str, Any] | None) -> "RemoteActor":
    """Make an actor in its process, where its plugins, by name, are not loaded yet; one thread computes."""
    leave_signals_to_parent()
    device.tune_allocator()
    device.set_threads(1)
    for name in names:
        plugins.load(name)
    actor = RemoteActor(config, index)
    if state is not None:
        actor.load(state)
    return actor


class RemoteActor:
    """An actor with environments and a copy of the policy, and its own seeds, which follow from its number."""

    def __init__(self, config: Any, index: int) -> None:
        from rad.experiment.algorithms import make_agent  # which imports this module

        self.env = make_env(config, "train", num_envs=config.num_envs, index=index)
        agent: Any = make_agent(config, self.env)
        agent.draw_from(seed_for(config.seed, "actor", index))
        self.agent, self.actor = agent, Actor(self.env, agent, config.agent.num_steps)

    def collect(self, policy: tuple[PolicyState, int]) -> Any:
        """Return a trajectory of the policy with its number of updates, in arrays."""
        weights, version = policy
        self.agent.load_policy_state(weights)
        trajectory, episodes, _ = self.actor.collect()
        return pack((tuple(trajectory), [tuple(episode) for episode in episodes], version))

    def state(self, _: None) -> dict[str, Any]:
        """Return what an exact resume needs between two trajectories; the weights come with the next request."""
        generators = {name: getattr(self.agent, name).get_state() for name in GENERATORS}
        state = {"env": envs.env_state(self.env), "loop": self.actor.state.state_dict(), "generators": generators}
        packed: dict[str, Any] = pack(state)
        return packed

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave."""
        envs.load_env_state(self.env, state["env"])
        self.actor.state.load_state_dict(state["loop"])
        for name in GENERATORS:
            getattr(self.agent, name).set_state(torch.from_numpy(state["generators"][name]))
