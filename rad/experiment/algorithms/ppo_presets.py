"""Named settings of runs of PPO, with the source of every number."""

from rad.agents.ppo import PPOConfig
from rad.experiment.algorithms.base import Preset

# Frames whose size cannot be chosen, one to an observation, 64 environments with a network of their own.
ON_PROCGEN = {
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

_ATARI = {
    "num_steps": 128,
    "num_minibatches": 4,
    "num_epochs": 4,
    "gamma": 0.99,
    "lr": 2.5e-4,
    "anneal_lr": True,
    "clip_coef": 0.1,
    "hidden_dim": 512,
}

# One reward scale for all presets of PPO, so that they can be compared with each other.
_GAMMA = (
    "; rewards are normalized by returns discounted like PPO's, where the published implementations have 0.99 beside "
    "0.999 (--reward-gamma 0.99)"
)

# LunarLander from pixels. RL Zoo's discount and GAE weight, 0.999 and 0.98, are per frame: here to the power of the
# three repeated ones. A rollout is 12,288 frames beside its 16,384.
_LUNAR = "gym/LunarLander-v3"
_ON_LUNAR = (
    "; on LunarLander: environments, passes, entropy bonus, discount and GAE's weight of RL Zoo's hyperparams/ppo.yml, "
    "which are for states and single frames; learning rate and clipping of train-procgen; minibatches of 128, where RL "
    "Zoo has 64, for speed; three frames to an observation as in RAD; measured here: three "
    "repeated frames (Gymnasium's heuristic earns 262 with one, 256 with three, 214 with four), 64 pixels (a "
    "regression on cuttings of the lander reads its angle as well as off 84), and strides with 16 filters, half as "
    "dear as nature (with 32, a regression reads speeds off fewer pictures than with nature)"
)

PPO_PRESETS = {
    # The defaults of PPOConfig are Procgen's.
    "ppo": Preset(
        "on Procgen: Cobbe et al. 2020 (arXiv 1912.01588) and train-procgen, easy; elsewhere, where nothing is "
        "published for PPO from pixels: the Atari settings of Schulman et al. 2017 (arXiv 1707.06347), table 5, as "
        "OpenAI baselines have them, with rewards normalized instead of clipped to their sign" + _ON_LUNAR + _GAMMA,
        run={
            "encoder": "nature",
            "frame_stack": 4,
            "num_envs": 8,
            "frames": 1_000_000,
            "eval_every": 50_000,
            "checkpoint_every": 50_000,
        },
        agent=_ATARI,
        run_for={
            "procgen": ON_PROCGEN | {"crop": "pad"},
            _LUNAR: {
                "frames": 6_000_000,
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
            "procgen": {name: getattr(PPOConfig, name) for name in _ATARI},  # its defaults
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
        run=ON_PROCGEN | {"augment": "crop", "crop": "resize", "frames": 20_000_000},
        agent={"augment_where": "rollout"},
    ),
    "drac": Preset(
        "Raileanu et al. 2021 (arXiv 2006.12862) and its published code: consistency 0.1, border repeated 12 pixels "
        "out and crop, a new draw for each minibatch; it normalizes advantages over the rollout, here it is done for "
        "each minibatch" + _GAMMA,
        run=ON_PROCGEN | {"augment": "crop", "crop": "pad"},
        agent={"augment_where": "consistency", "consistency_coef": 0.1},
    ),
    "ucb-drac": Preset(
        "Raileanu et al. 2021 (arXiv 2006.12862) and its published code: its eight augmentations with its chances and "
        "sizes, window 10 and coefficient 0.1; its flip is vertical by mistake, here horizontal; it normalizes "
        "advantages over the rollout, here it is done for each minibatch" + _GAMMA,
        run=ON_PROCGEN
        | {
            "augment": "ucb:crop,random_conv,grayscale:p=1,flip:p=0.5,rotate:p=0.75,cutout:min_px=7:max_px=21,"
            "cutout_color:min_px=7:max_px=21,color_jitter",
            "crop": "pad",
        },
        agent={"augment_where": "consistency", "consistency_coef": 0.1},
    ),
}
