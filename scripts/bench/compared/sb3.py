"""Stable-Baselines3's SAC and PPO from pixels, with the networks and hyperparameters of the plain eager versions.

What differs, because the library has it so. SAC: actor and critic have convolutions of their own, each trained by its
own loss; the actor learns at every update, not every second, through the critic's convolutions too; targets move at
every update; nothing is cropped, frames are stored as large as they are seen. PPO: none in what is computed, but
orthogonal weights at the start.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.logger import configure
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from scripts.bench import adding
from scripts.bench.compared.networks import convolutions, projected
from scripts.bench.stream import random_steps


class Projected(BaseFeaturesExtractor):
    """The encoder `encoder` with RAD's projection."""

    def __init__(self, observation_space: gymnasium.spaces.Box, encoder: str) -> None:
        super().__init__(observation_space, 50)
        self.net = projected(observation_space.shape, encoder)

    def forward(self, images: Tensor) -> Tensor:
        """Return features [B, 50] of float images in [0, 1]."""
        return self.net(images)


class Impala(BaseFeaturesExtractor):
    """IMPALA's network up to its linear layer, for images of 64 pixels."""

    def __init__(self, observation_space: gymnasium.spaces.Box) -> None:
        super().__init__(observation_space, 256)
        layers = convolutions("impala")(observation_space.shape[0])
        self.net = nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.Linear(2048, 256), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        """Return features [B, 256] of float images in [0, 1]."""
        return self.net(images)


class Spaces(gymnasium.Env[Any, Any]):
    """The spaces of a task without a task: what updates alone need."""

    def __init__(self, image_shape: tuple[int, ...], action_dim: int) -> None:
        self.observation_space = gymnasium.spaces.Box(0, 255, image_shape, np.uint8)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (action_dim,), np.float32)


class Vectorized(VecEnv):
    """A vector environment of Gymnasium as one of Stable-Baselines3; last observations of episodes are not told."""

    def __init__(self, env: Any) -> None:
        self.env, self.actions = env, np.zeros(0)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> Any:
        """Begin an episode in each environment."""
        return self.env.reset()[0]

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions."""
        self.actions = actions

    def step_wait(self) -> Any:
        """Take the step."""
        obs, reward, terminated, truncated, _ = self.env.step(self.actions)
        return obs, reward, terminated | truncated, [{} for _ in range(self.num_envs)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return None for each: the one attribute that is asked for is the render mode."""
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Do nothing."""

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Return None for each."""
        return [None] * self.num_envs

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Tell that none is wrapped."""
        return [False] * self.num_envs

    def close(self) -> None:
        """Do nothing: who made the environment closes it."""


def sac(env: Any, encoder: str, batch_size: int, capacity: int, hidden_dim: int, warmup_steps: int = 100) -> SAC:
    """Make an agent with RAD's hyperparameters."""
    networks = {"features_extractor_class": Projected, "features_extractor_kwargs": {"encoder": encoder}}
    numbers = {"learning_rate": 1e-3, "tau": 0.01, "gamma": 0.99, "ent_coef": "auto_0.1"}
    sizes = {"batch_size": batch_size, "buffer_size": capacity, "learning_starts": warmup_steps}
    policy = networks | {"net_arch": [hidden_dim, hidden_dim]}
    return _quiet(SAC("CnnPolicy", env, **numbers, **sizes, policy_kwargs=policy, device="cpu", seed=0))


def sac_update(
    side_px: int, encoder: str, action_dim: int, hidden_dim: int, batch_size: int, transitions: int
) -> Callable[[], object]:
    """Return one update on batches of its own replay, filled."""
    model = sac(Spaces((9, side_px, side_px), action_dim), encoder, batch_size, transitions, hidden_dim)
    replay: Any = model.replay_buffer
    for step in random_steps(transitions, action_dim, side_px=side_px):
        rest = np.array([step.action]), np.array([step.reward]), np.array([False])
        replay.add(step.obs[None], step.next_obs[None], *rest, [{}])
    return lambda: model.train(1, batch_size)


def sac_steps_per_s(env: Any, warmup_steps: int, steps: int) -> float:
    """Time agent steps of its own loop: act, step, store, sample and update."""
    model = sac(Vectorized(env), "pixel", 128, warmup_steps + steps + 10, 1024, warmup_steps)
    model.learn(warmup_steps + 2)  # the first update takes what is made once
    start = time.perf_counter()
    model.learn(steps, reset_num_timesteps=False)
    return steps / (time.perf_counter() - start)


def rollouts(job: Any, env: Any) -> Iterator[dict[str, float]]:
    """Collect and learn with its own loop; yield seconds of simulation, inference, update and of all, by rollout."""
    eager: Any = importlib.import_module("tests.reference.ppo_eager")
    steps = env.num_envs * job.num_steps
    sizes = {"n_steps": job.num_steps, "batch_size": steps // job.num_minibatches, "n_epochs": job.num_epochs}
    numbers = {"gamma": eager.GAMMA, "gae_lambda": eager.LAMBDA, "clip_range": eager.CLIP, "clip_range_vf": eager.CLIP}
    losses = {"ent_coef": eager.ENTROPY, "vf_coef": eager.VALUE, "max_grad_norm": eager.MAX_NORM}
    policy = {"features_extractor_class": Impala, "net_arch": [], "optimizer_kwargs": {"eps": 1e-5}}
    model = _quiet(
        PPO("CnnPolicy", Vectorized(env), 5e-4, **sizes, **numbers, **losses, policy_kwargs=policy, device="cpu")
    )
    spent = dict.fromkeys(("simulation", "inference", "update"), 0.0)
    watched = [("simulation", env, "step"), ("inference", model.policy, "forward"), ("update", model, "train")]
    for part, owner, name in [*watched, ("inference", model.policy, "predict_values")]:
        setattr(owner, name, adding(getattr(owner, name), spent, part))
    while True:
        spent.update(dict.fromkeys(spent, 0.0))
        start = time.perf_counter()
        model.learn(steps, reset_num_timesteps=False)
        yield spent | {"whole": time.perf_counter() - start}


def _quiet(model: Any) -> Any:
    model.set_logger(configure(None, []))
    return model
