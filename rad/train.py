"""Train an agent from pixels: the table of contents of the library."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from rad import envs
from rad.buffers.replay import Replay
from rad.build import (
    ATTENTION_FILE,
    CHECKPOINTS,
    CONFIG_FILE,
    CURVE_FILE,
    VIDEO_FILE,
    action_repeat,
    make_agent,
    make_env,
    read_config,
    replay_frames,
    shapes,
)
from rad.config import RunConfig, to_json
from rad.evaluate import Policy, Recorder, evaluate, random_policy, summary
from rad.loops import Progress, Report, off_policy
from rad.report.plots import learning_curve
from rad.runtime import checkpoint, device
from rad.runtime.clocks import Every
from rad.runtime.logging import Averages, RunLog
from rad.runtime.progress import Progress as ProgressLine
from rad.runtime.seeding import generator, seed_for
from rad.runtime.signals import StopRequest
from rad.runtime.video import write_mp4
from rad.trained import draw_attention


def start(config: RunConfig, folder: Path) -> int:
    """Train in a new run folder and return the exit status: 0, or 128 + the signal that stopped the run.

    Raises:
        FileExistsError: the folder exists.
    """
    folder.mkdir(parents=True)
    (folder / CONFIG_FILE).write_text(json.dumps(to_json(config), indent=2) + "\n")
    with Trainer(config, folder) as trainer:
        return trainer.run()


def resume(folder: Path) -> int:
    """Go on with the run in `folder` from its newest whole checkpoint, or from the start if it has none.

    On the CPU, with the same versions and number of threads, the run ends as if it had not been interrupted.

    Returns:
        The exit status, as `start`.

    Raises:
        ValueError: the folder holds no run, or one of another version.
    """
    with Trainer(read_config(folder), folder) as trainer:
        trainer.load()
        return trainer.run()


class Trainer:
    """One training run: its parts, made from a configuration, and what is done with each report of the loop."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        device.tune_allocator()
        if config.threads:
            device.set_threads(config.threads)
        self.config, self.folder, self.action_repeat = config, folder, action_repeat(config)
        self.env = make_env(config, "train", num_envs=config.num_envs)
        self.agent = make_agent(config, self.env)
        self.replay = Replay(
            replay_frames(config),
            *shapes(self.env),
            num_envs=config.num_envs,
            frame_stack=config.frame_stack,
            gamma=config.agent.gamma,
            n_step=config.agent.n_step,
        )
        self.progress = Progress(generator(config.seed, "loop"))
        self.log = RunLog(folder, tensorboard=config.tensorboard, wandb_project=config.wandb_project or None)
        self.averages = Averages()
        self.log_due = Every(config.log_every)
        self.evaluation_due = Every(config.eval_every)
        self.checkpoint_due = Every(config.checkpoint_every)
        self.line = ProgressLine(config.frames)
        self.last_return: float | None = None

    @property
    def frames(self) -> int:
        """Environment frames so far."""
        return self.progress.agent_steps * self.action_repeat

    def run(self) -> int:
        """Train to the end, or until a signal asks to stop; return the exit status.

        Raises:
            FloatingPointError: training has diverged; checkpoints from before remain.
        """
        if self.frames >= self.config.frames:
            print(f"{self.folder} has already reached {self.frames:,} frames")
            if not (self.folder / CURVE_FILE).exists():
                self._finish()
            return 0
        if not self.frames:
            self._measure_random_policy()
        self.line = ProgressLine(self.config.frames, self.frames)
        try:
            return self._train()
        except FloatingPointError as error:
            raise FloatingPointError(
                f"training diverged: {error} not finite at {self.frames:,} frames; a lower learning rate may help"
            ) from None

    def _train(self) -> int:
        with StopRequest() as stop:
            for report in self._steps():
                self._record(report)
                if self.frames >= self.config.frames:
                    break
                if stop.requested:
                    return self._stop(stop.exit_code)
            self.line.close()
            self._write_averages()
            self._save()
            self._finish()
        return 0

    def _steps(self) -> Iterator[Report]:
        return off_policy(
            self.env,
            self.agent,
            self.replay,
            self.progress,
            batch_size=self.config.agent.batch_size,
            warmup_steps=self.config.warmup_steps,
            updates_per_step=self.config.updates_per_step,
        )

    def _record(self, report: Report) -> None:
        """Log what the loop reports; evaluate and save when that is due."""
        for metrics in report.updates:
            self.averages.add(metrics)
        for episode in report.episodes:
            self._write("episode", episode._asdict())
            self.last_return = episode.episode_return
        self.line.update(self.frames, self.progress.agent_steps, self.last_return)
        if self.log_due.due(self.frames):
            self._write_averages()
        if self.evaluation_due.due(self.frames) and self.frames < self.config.frames:
            self._evaluate()
        if self.checkpoint_due.due(self.frames) and self.frames < self.config.frames:
            self._save()

    def _write(self, kind: str, row: Mapping[str, float]) -> None:
        self.log.write(kind, row, frames=self.frames, agent_steps=self.progress.agent_steps)

    def _write_averages(self) -> None:
        """Write the training metrics since the last row.

        Raises:
            FloatingPointError: one of them is not finite; the text names it.
        """
        row = self.averages.pop()
        if not row:
            return
        self._write("train", row)
        if broken := [name for name, value in row.items() if not math.isfinite(value)]:
            raise FloatingPointError(", ".join(broken))

    def _evaluate(self) -> None:
        self._write("eval", summary(self._returns_of(self._deterministic)))

    def _deterministic(self, env: VectorEnv) -> Policy:
        return lambda obs: self.agent.act(obs, deterministic=True)

    def _measure_random_policy(self) -> None:
        seed = seed_for(self.config.seed, "random policy", bits=31)
        self._write("baseline", summary(self._returns_of(lambda env: random_policy(env, seed))))

    def _returns_of(self, policy_for: Callable[[VectorEnv], Policy], recorder: Recorder | None = None) -> np.ndarray:
        """Evaluate on an environment of its own, always from the same initial states."""
        env = make_env(self.config, "evaluation")
        try:
            return evaluate(env, policy_for(env), self.config.eval_episodes, recorder=recorder)
        finally:
            env.close()

    def _save(self) -> None:
        checkpoint.save(self.folder / CHECKPOINTS, self.frames, self.state_dict(), made_with=self._made_with())

    def _stop(self, exit_code: int) -> int:
        self.line.close()
        self._save()
        print(f"stopped at {self.frames:,} frames; go on with: rad train --resume {self.folder}")
        return exit_code

    def _finish(self) -> None:
        """Evaluate for the last time, and draw what the run has to show; the curve comes last and says it is whole."""
        recorder = Recorder(self.config.video_size)
        returns = self._returns_of(self._deterministic, recorder)
        write_mp4(self.folder / VIDEO_FILE, np.stack(recorder.frames), recorder.fps)
        draw_attention(self.config, self.agent, recorder.observations, self.folder / ATTENTION_FILE)
        self._write("eval", summary(returns))
        learning_curve(self.folder, self.folder / CURVE_FILE)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the rest of the run depends on."""
        return {name: part.state_dict() for name, part in self._parts().items()} | {
            "env": envs.env_state(self.env),
            "last_return": self.last_return,
        }

    def load(self) -> None:
        """Restore the newest whole checkpoint, and drop the rows that were logged after it."""
        frames = 0
        if checkpoint.exists(self.folder / CHECKPOINTS):
            frames, state = checkpoint.load(self.folder / CHECKPOINTS)
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
            envs.load_env_state(self.env, state["env"])
            self.last_return = state["last_return"]
            for difference in checkpoint.differences(self.folder / CHECKPOINTS, self._made_with()):
                print(f"note: {difference}: the run continues, not bit for bit")
        self.log.truncate(frames if frames else -1)

    def _made_with(self) -> dict[str, str]:
        return {"device": str(self.agent.device), "precision": self.agent.precision}

    def _parts(self) -> dict[str, Any]:
        names = ("agent", "replay", "progress", "averages", "log_due", "evaluation_due", "checkpoint_due")
        return {name: getattr(self, name) for name in names}

    def __enter__(self) -> "Trainer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.env.close()
        self.log.close()
