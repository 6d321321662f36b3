"""Named settings of whole runs, with the source of every number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rad.experiment.config import RUNS, Run

Values = Mapping[str, Any]
DEFAULT = {"sac": "rad", "ppo": "ppo"}


@dataclass(frozen=True)
class Preset:
    """Named values for a run, and where they come from.

    Attributes:
        source: papers and code.
        algo: sac or ppo.
        run: fields of the run.
        agent: fields of its agent.
        run_for, agent_for: the same for a task or a suite, over `run` and `agent`; a task's are over its suite's.
    """

    source: str
    algo: str = "sac"
    run: Values = field(default_factory=dict)
    agent: Values = field(default_factory=dict)
    run_for: Mapping[str, Values] = field(default_factory=dict)
    agent_for: Mapping[str, Values] = field(default_factory=dict)

    def config(self, name: str, task: str | None) -> Run:
        """Return the defaults with this preset's values for `task` in their place."""
        default = RUNS[self.algo]()
        task = task if task is not None else self.run.get("task", default.task)
        run, agent = dict(self.run), dict(self.agent)
        for scope in (task.partition("/")[0], task):
            run |= self.run_for.get(scope, {})
            agent |= self.agent_for.get(scope, {})
        named = {"preset": name, "task": task, "agent": replace(default.agent, **agent)}
        return replace(default, **run | named)


# Frames whose size cannot be chosen, one to an observation, 64 environments with a network of their own.
_ON_PROCGEN = {
    "task": "procgen/bigfish",
    "frames": 25_000_000,
    "encoder": "impala",
    "frame_stack": 1,
    "num_envs": 64,
    "eval_envs": 64,
    "eval_episodes": 2,
    "eval_every": 1_000_000,
    "checkpoint_every": 1_000_000,
    "log_every": 16_384,
}

# One reward scale for all presets of PPO, so that they can be compared with each other.
_GAMMA = (
    "; rewards are normalised by returns discounted like PPO's, where the published implementations have 0.99 beside "
    "0.999 (--reward-gamma 0.99)"
)

# LunarLander from pixels. RL Zoo's discount and GAE weight, 0.999 and 0.98, are per frame: here to the power of the
# three repeated ones. A rollout is 12,288 frames beside its 16,384.
_LUNAR = "gym/LunarLander-v3"
_ON_LUNAR = (
    "; on LunarLander: environments, passes, entropy bonus, discount and GAE's weight of RL Zoo's hyperparams/ppo.yml, "
    "which are for states and single frames; learning rate and clipping of train-procgen; measured here: three "
    "repeated frames (Gymnasium's heuristic earns 262 with one, 256 with three, 214 with four), 64 pixels (a "
    "regression on cuttings of the lander reads its angle as well as off 84), and strides with 16 filters, half as "
    "dear as nature (with 32, a regression reads speeds off fewer pictures than with nature)"
)

PRESETS: dict[str, Preset] = {
    # The defaults of SACRun and SACConfig are RAD's; batch 128 is what its scripts and the ten-seed rerun
    # in rliable have, the paper says 512.
    "rad": Preset(
        "Laskin et al. 2020 (arXiv 2004.14990) and its published scripts; the learning rate of cheetah-run from "
        "Srinivas et al. 2020 (CURL), table 3",
        agent_for={"dmc/cheetah-run": {"actor_lr": 2e-4, "critic_lr": 2e-4}},
    ),
    "drq": Preset(
        "Kostrikov et al. 2020 (arXiv 2004.13649) and its published code: K = M = 2, pad 4 and crop, lr 1e-3 for "
        "all, tau 0.01 for all, batch 512 for the paper's scores, tanh after LayerNorm; not taken over: its orthogonal "
        "convolutions (here delta-orthogonal as in RAD) and its sum over M (here the mean, which Adam evens out)",
        run={"augment": "shift"},
        agent={
            "batch_size": 512,
            "target_views": 2,
            "critic_views": 2,
            "alpha_lr": 1e-3,
            "alpha_beta1": 0.9,
            "encoder_tau": 0.01,
            "projection_tanh": True,
        },
    ),
    "svea": Preset(
        "Hansen et al. 2021 (arXiv 2107.00644) and DMControl-GB's published code: alpha = beta = 0.5, strong view by "
        "random_conv, weak view by shift, 11 convolutions, 500,000 frames; the rest as in RAD. Its overlay, with "
        "pictures that no split is tested with, is --strong-augment overlay",
        run={"augment": "shift", "encoder": "pixel:num_layers=11", "frames": 500_000},
        agent={"strong_augment": "random_conv", "strong_weight": 0.5},
    ),
    "lean": Preset(
        "RAD with fewer operations, for two CPU cores: strides 2-2-2-1 as in MR.Q (arXiv 2501.16142), images of 64 "
        "pixels as in TD-MPC2 and DreamerV3, and of DrQ-v2 (arXiv 2107.09645) one encoder whose features the actor "
        "shares, an update every second step, returns over three steps and targets that move at each update; heads of "
        "512 and near rendering measured here; the rest as in RAD. A candidate: one seed so far, see results/README.md",
        run={
            "image_size": 64,
            "encoder": "pixel:strides=2-2-2-1",
            "render_quality": "near",
            "updates_per_step": 0.5,
        },
        agent={
            "hidden_dim": 512,
            "actor_features": "before",
            "target_encoder": False,
            "n_step": 3,
            "target_update_freq": 1,
        },
        agent_for={"dmc/cheetah-run": {"actor_lr": 2e-4, "critic_lr": 2e-4}},
    ),
    "demo": Preset(
        "measured here: what visibly learns within 5 minutes on two CPU cores; encoder and features as in lean; n-step "
        "returns of 3 and targets moved at each update as in DrQ-v2 (arXiv 2107.09645); "
        "`rad demo` makes it shorter where the machine is slower",
        run={
            "task": "dmc/cheetah-run",
            "frames": 100_000,
            "out": Path("runs/demo"),
            "precision": "auto",
            "image_size": 64,
            "encoder": "pixel:strides=2-2-2-1:num_filters=16",
            "render_quality": "fast",
            "warmup_steps": 250,
            "eval_every": 5_000,
            "eval_episodes": 5,
            "eval_policy": "sample",  # the mode of a policy this young falls over now and then
        },
        # Temperature: cheetah's first rewards are small, and an entropy bonus of RAD's 0.1 drowns them.
        agent={
            "batch_size": 64,
            "hidden_dim": 256,
            "n_step": 3,
            "target_update_freq": 1,
            "init_temperature": 0.01,
            "critic_tau": 0.02,
            "actor_features": "before",
            "target_encoder": False,
        },
    ),
    # The defaults of PPOConfig are Procgen's.
    "ppo": Preset(
        "on Procgen: Cobbe et al. 2020 (arXiv 1912.01588) and train-procgen, easy; elsewhere, where nothing is "
        "published for PPO from pixels: the Atari settings of Schulman et al. 2017 (arXiv 1707.06347), table 5, as "
        "OpenAI baselines have them, with rewards normalised instead of clipped to their sign" + _ON_LUNAR + _GAMMA,
        algo="ppo",
        run={
            "encoder": "nature",
            "frame_stack": 4,
            "num_envs": 8,
            "frames": 1_000_000,
            "eval_every": 50_000,
            "checkpoint_every": 50_000,
        },
        agent={
            "num_steps": 128,
            "num_minibatches": 4,
            "num_epochs": 4,
            "gamma": 0.99,
            "lr": 2.5e-4,
            "anneal_lr": True,
            "clip_coef": 0.1,
            "hidden_dim": 512,
        },
        run_for={
            "procgen": {name: value for name, value in _ON_PROCGEN.items() if name != "task"} | {"crop": "pad"},
            _LUNAR: {
                "frames": 3_000_000,
                "action_repeat": 3,
                "image_size": 64,
                "frame_stack": 3,
                "encoder": "pixel:strides=2-2-2-1:num_filters=16",
                "num_envs": 16,
                "eval_policy": "mode",
                "eval_every": 500_000,
                "eval_envs": 10,
                "checkpoint_every": 100_000,
                "log_every": 12_288,
            },
        },
        agent_for={
            "procgen": {
                "num_steps": 256,
                "num_minibatches": 8,
                "num_epochs": 3,
                "gamma": 0.999,
                "lr": 5e-4,
                "anneal_lr": False,
                "clip_coef": 0.2,
                "hidden_dim": 256,
            },
            _LUNAR: {
                "num_steps": 256,
                "num_minibatches": 32,
                "gamma": 0.997,
                "gae_lambda": 0.94,
                "lr": 5e-4,
                "clip_coef": 0.2,
                "hidden_dim": 256,
            },
        },
    ),
    "rad-procgen": Preset(
        "Laskin et al. 2020 (arXiv 2004.14990) and its published code: PPO as in train-procgen, 20 million frames, one "
        "draw per environment and rollout; its simulator was rebuilt to draw 75 pixels, here 64 are enlarged to 75"
        + _GAMMA,
        algo="ppo",
        run=_ON_PROCGEN | {"augment": "crop", "crop": "resize", "frames": 20_000_000},
        agent={"augment_where": "rollout"},
    ),
    "drac": Preset(
        "Raileanu et al. 2021 (arXiv 2006.12862) and its published code: consistency 0.1, border repeated 12 pixels "
        "out and crop, a new draw for each minibatch; it normalises advantages over the rollout, here it is done for "
        "each minibatch" + _GAMMA,
        algo="ppo",
        run=_ON_PROCGEN | {"augment": "crop", "crop": "pad"},
        agent={"augment_where": "consistency", "consistency_coef": 0.1},
    ),
    "ucb-drac": Preset(
        "Raileanu et al. 2021 (arXiv 2006.12862) and its published code: its eight augmentations with its chances and "
        "sizes, window 10 and coefficient 0.1; its flip is vertical by mistake, here horizontal; it normalises "
        "advantages over the rollout, here it is done for each minibatch" + _GAMMA,
        algo="ppo",
        run=_ON_PROCGEN
        | {
            "augment": "ucb:crop,random_conv,grayscale:p=1,flip:p=0.5,rotate:p=0.75,cutout:min_px=7:max_px=21,"
            "cutout_color:min_px=7:max_px=21,color_jitter",
            "crop": "pad",
        },
        agent={"augment_where": "consistency", "consistency_coef": 0.1},
    ),
}


def preset(name: str, task: str | None = None) -> Run:
    """Return a preset's configuration for a task; without one, for the preset's own.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in PRESETS:
        raise ValueError(f"--preset: unknown preset '{name}'; known: {', '.join(PRESETS)}")
    return PRESETS[name].config(name, task)


def choose(algo: str | None, name: str | None, task: str | None) -> Run:
    """Return the configuration that the flags --algo, --preset and --task, given or not, begin with.

    Raises:
        ValueError: one is unknown, or the preset is of another algorithm.
    """
    if algo is not None and algo not in RUNS:
        hint = f"; {algo} is a preset: --preset {algo}" if algo in PRESETS else ""
        raise ValueError(f"--algo: unknown algorithm '{algo}'; known: {', '.join(RUNS)}{hint}")
    if name is None:
        by_task = "ppo" if (task or "").startswith("procgen/") else "sac"
        return preset(DEFAULT[algo or by_task], task)
    config = preset(name, task)
    if algo not in (None, config.algo):
        fitting = [key for key, entry in PRESETS.items() if entry.algo == algo]
        raise ValueError(f"--preset: {name} is of {config.algo}; presets of {algo}: {', '.join(fitting)}")
    return config
