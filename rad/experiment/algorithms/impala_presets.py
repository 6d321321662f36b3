"""Named settings of runs of IMPALA, with the source of every number."""

from rad.experiment.algorithms.base import Preset
from rad.experiment.algorithms.ppo_presets import ON_PROCGEN

IMPALA_PRESETS = {
    # The defaults of IMPALAConfig are Atari's.
    "impala": Preset(
        "Espeholt et al. 2018 (IMPALA, arXiv 1802.01561): Atari settings of table G.1, 32 environments in a batch, "
        "frames stacked by 4, rewards clipped to [-1, 1], RMSProp and its annealing, with the deep residual network of "
        "figure 3 without LSTM; losses are averages here, so that epsilon and the length of gradients are the paper's "
        "divided by its 640 steps; epsilon stands outside of the root, as torch and TorchBeast have it; on Procgen, "
        "task, frames and evaluation as with PPO (Cobbe et al. 2020), frames not stacked",
        run={
            "encoder": "impala",
            "frame_stack": 4,
            "num_envs": 32,
            "frames": 1_000_000,
            "eval_every": 50_000,
            "checkpoint_every": 50_000,
        },
        run_for={"procgen": ON_PROCGEN | {"crop": "pad", "num_envs": 32}},
    ),
}
