"""What an encoder learns to read off pictures of LunarLander, with and without an augmentation: R2 on later games.

Pictures are those of `rad train --task gym/LunarLander-v3 --algo ppo`: three of 64 pixels, three frames apart, here of
games that Gymnasium's heuristic plays with three of ten actions random. Encoder, width of the hidden layer and learning
rate are the preset's too. Run as `python results/lunar-lander/read_off.py none shift`.
"""

import collections
import sys

import cv2
import gymnasium
import numpy as np
import torch
from gymnasium.envs.box2d.lunar_lander import heuristic
from torch import Tensor, nn

import augment
import encoders
from rad.envs.gym import quick_pixels

NAMES = ("x", "y", "vx", "vy", "angle", "angular velocity")
STEPS, TRAINED_ON = 8_000, 6_000


def play() -> tuple[Tensor, Tensor]:
    """Return pictures, uint8 [STEPS, 9, 64, 64], and what is to be read off them, in standard deviations."""
    env, random = gymnasium.make("LunarLander-v3", render_mode="rgb_array"), np.random.default_rng(1)
    state, _ = env.reset(seed=1)
    stack = collections.deque[np.ndarray](maxlen=3)
    pictures, states = [], []
    while len(states) < STEPS:
        with quick_pixels(env.unwrapped):
            frame = cv2.resize(env.render(), (64, 64), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
        stack.extend([frame] * (1 if stack else 3))
        pictures.append(np.concatenate(stack))
        states.append(state[:6].clip(-1.5, 1.5))
        action = int(random.integers(4)) if random.random() < 0.3 else heuristic(env.unwrapped, state)
        for _ in range(3):
            state, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                state, _ = env.reset()
                stack.clear()
                break
    values = np.array(states, np.float32)
    return torch.from_numpy(np.array(pictures)), torch.from_numpy((values - values.mean(0)) / values.std(0))


def read_off(op: augment.Augmentation, pictures: Tensor, values: Tensor) -> None:
    """Train an encoder on augmented pictures of the first games, and print R2 on those of the later ones."""
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    encoder = encoders.make("pixel:strides=2-2-2-1:num_filters=16", (9, 64, 64), generator=generator)
    head = nn.Sequential(nn.Linear(encoder.feature_dim, 256), nn.ReLU(), nn.Linear(256, len(NAMES)))
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=5e-4)

    def read(images: Tensor) -> Tensor:
        return head(encoder(images.float().div(255)))

    for step in range(1, 1_501):
        batch = torch.randint(TRAINED_ON, (128,), generator=generator)
        loss = (read(op(pictures[batch], generator=generator)) - values[batch]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in (500, 1_000, 1_500):
            later = values[TRAINED_ON:]
            with torch.no_grad():
                errors = torch.cat([read(part) for part in pictures[TRAINED_ON:].split(250)]) - later
            r2 = 1 - errors.square().mean(0) / later.var(0)
            print(f"{step:5,} steps  " + "  ".join(f"{name} {value:.2f}" for name, value in zip(NAMES, r2)), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    games = play()
    for spec in sys.argv[1:]:
        print(spec)
        read_off(augment.make(spec, size=64), *games)
