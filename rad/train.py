"""Train an agent: the table of contents of the library."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv

import augment
from rad import envs
from rad.agents.sac import SACAgent
from rad.buffers.replay import Replay
from rad.config import RunConfig, to_json
from rad.evaluate import evaluate, random_policy
from rad.loops import Progress, Report, off_policy
from rad.runtime import checkpoint, device, video
from rad.runtime.clocks import Every, Rate
from rad.runtime.logging import Averages, RunLog
from rad.runtime.logging import Progress as ProgressLine
from rad.runtime.seeding import generator, seed_for


def train(config: RunConfig, folder: Path, *, resume: bool = False) -> Path:
    """Train from pixels until `config.frames`, evaluating, logging and saving on the way."""
    with Trainer(config, folder) as trainer:
        if resume:
            trainer.load()
        trainer.run()
    return folder


class Trainer:
    """One training run: its parts, made from a configuration."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        device.tune_allocator()
        if config.threads:
            device.set_threads(config.threads)
        self.config, self.folder = config, folder
        self.action_repeat = config.action_repeat or envs.action_repeat_for(config.task)
        size = config.image_size or augment.default_size(config.augment)
        self.op = augment.make(config.augment, size=size)
        self.render_size = self.op.input_size(size, size)[0]
        self.env = self._make_env("train", config.num_envs)
        target = device.resolve_device(config.device)
        image_shape = self.env.single_observation_space.shape
        action_dim = self.env.single_action_space.shape[0]
        self.agent = SACAgent(
            image_shape,
            action_dim,
            config.agent,
            self.op,
            encoder=config.encoder,
            encoder_options={"num_layers": config.num_layers, "num_filters": config.num_filters},
            seed=seed_for(config.seed, "agent"),
            device=target,
            precision=device.resolve_precision(config.precision, target),
        )
        self.replay = Replay(
            min(config.replay_capacity, self._most_frames()),
            image_shape,
            action_dim,
            num_envs=config.num_envs,
            frame_stack=config.frame_stack,
            gamma=config.agent.gamma,
            n_step=config.agent.n_step,
        )
        self.progress = Progress(generator(config.seed, "loop"))
        self.log = RunLog(folder, tensorboard=config.tensorboard, wandb_project=config.wandb_project or None)
        self.line = ProgressLine(config.frames)
        self.averages = Averages()
        self.evaluation_due = Every(config.eval_every)
        self.checkpoint_due = Every(config.checkpoint_every)
        self.log_due = Every(config.log_every)

    @property
    def frames(self) -> int:
        return self.progress.agent_steps * self.action_repeat

    def run(self) -> None:
        config = self.config
        if not self.frames:
            self._baseline()
        steps = off_policy(
            self.env,
            self.agent,
            self.replay,
            self.progress,
            batch_size=config.agent.batch_size,
            warmup_steps=config.warmup_steps,
            updates_per_step=config.updates_per_step,
        )
        while self.frames < config.frames:
            self._record(next(steps))
        self._evaluate()
        self._save()

    def _most_frames(self) -> int:
        return self.config.frames // self.action_repeat * 2

    def _make_env(self, purpose: str, num_envs: int) -> VectorEnv:
        config = self.config
        return envs.make(
            config.task,
            num_envs=num_envs,
            seed=seed_for(config.seed, purpose, bits=31),
            image_size=self.render_size,
            frame_stack=config.frame_stack,
            action_repeat=self.action_repeat,
            camera_id=config.camera_id,
            render_quality=config.render_quality,
            parallel=config.parallel_envs,
        )

    def _record(self, report: Report) -> None:
        for metrics in report.updates:
            self.averages.add(metrics)
        for episode in report.episodes:
            self._write("episode", episode._asdict())
            self.last_return = episode.episode_return
        if self.log_due.due(self.frames):
            self._write("train", self.averages.pop())
            print(self.frames, getattr(self, "last_return", None), round(self.log._start and __import__("time").perf_counter() - self.log._start), flush=True)
        if self.evaluation_due.due(self.frames) and self.frames < self.config.frames:
            self._evaluate()

    def _write(self, kind: str, row: Mapping[str, float]) -> None:
        self.log.write(kind, row, frames=self.frames, agent_steps=self.progress.agent_steps)

    def _baseline(self) -> None:
        env = self._make_env("evaluation", 1)
        try:
            returns = evaluate(env, random_policy(env, seed_for(self.config.seed, "random", bits=31)), self.config.eval_episodes)
        finally:
            env.close()
        self._write("baseline", _summary(returns))
        print("random", returns.mean())

    def _evaluate(self) -> None:
        env = self._make_env("evaluation", 1)
        try:
            returns = evaluate(env, lambda obs: self.agent.act(obs, deterministic=True), self.config.eval_episodes)
        finally:
            env.close()
        self._write("eval", _summary(returns))
        print("eval", self.frames, returns.mean(), returns.std(), flush=True)

    def _save(self) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *e):
        self.env.close()
        self.log.close()


def _summary(returns: np.ndarray) -> dict[str, float]:
    return {"episode_return_mean": float(returns.mean()), "episode_return_std": float(returns.std()), "episodes": len(returns)}
