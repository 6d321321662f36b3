"""Named settings of runs of SAC, with the source of every number."""

from rad.experiment.algorithms.base import Preset

# CURL's learning rates of cheetah-run
_LR_FOR = {"dmc/cheetah-run": {"actor_lr": 2e-4, "critic_lr": 2e-4}}
_LEAN = {"actor_features": "before", "target_encoder": False, "n_step": 3, "target_update_freq": 1}

SAC_PRESETS = {
    # The defaults of SACRun and SACConfig are RAD's; batch 128 is what its scripts and the ten-seed rerun
    # in rliable have, the paper says 512.
    "rad": Preset(
        "Laskin et al. 2020 (arXiv 2004.14990) and its published scripts; the learning rate of cheetah-run from "
        "Srinivas et al. 2020 (CURL), table 3",
        agent_for=_LR_FOR,
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
        "pixels as in TD-MPC2 and DreamerV3, heads of 512 as in TD-MPC2, and of DrQ-v2 (arXiv 2107.09645) one encoder "
        "whose features the actor shares, an update every second step, batch 256, returns over three steps and targets "
        "that move at each update; the rest as in RAD. Measured here: near rendering, and batch 128, which has "
        "half the operations and scored less (366 to 578 on cartpole-swingup, p = 0.085); not measured alone: 64 "
        "pixels, heads of 512. Its returns stand in results/README.md",
        run={"image_size": 64, "encoder": "pixel:strides=2-2-2-1", "render_quality": "near", "updates_per_step": 0.5},
        agent=_LEAN | {"batch_size": 256, "hidden_dim": 512},
        agent_for=_LR_FOR,
    ),
    "demo": Preset(
        "encoder and features as in lean; n-step returns of 3 and targets moved at each update as in DrQ-v2 (arXiv "
        "2107.09645); measured here, as what visibly learns within 5 minutes on two CPU cores: the temperature and its "
        "rate (results/README.md); chosen for time and not varied one by one: 16 filters, heads of 256, batch 64, "
        "targets that move by 0.02; `rad demo` makes it shorter where the machine is slower",
        run={
            "task": "dmc/cheetah-run",
            "frames": 100_000,
            "precision": "auto",
            "image_size": 64,
            "encoder": "pixel:strides=2-2-2-1:num_filters=16",
            "render_quality": "fast",
            "eval_every": 5_000,
            "eval_episodes": 5,
            "eval_policy": "sample",  # the mode of a policy this young falls over now and then
        },
        # Temperature: cheetah's first rewards are small, and an entropy bonus of RAD's 0.1 drowns them. It has 2,000
        # updates to follow: at RAD's rate it stays where it is, and the policy saturates in a pose that earns nothing.
        agent=_LEAN
        | {"batch_size": 64, "hidden_dim": 256, "init_temperature": 0.01, "alpha_lr": 1e-2, "critic_tau": 0.02},
    ),
}
