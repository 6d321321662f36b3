"""RAD-SAC's update as one would first write it in plain eager PyTorch: the baseline of `rad bench sac`.

Nothing is tuned: float32, NCHW, stacks stored whole and cropped one by one in NumPy, a module per network, a
forward pass of its own for every use, Adam and target averaging as they come. The algorithm and its settings
are those of `tests/reference/sac.py`.

Source: the published structure of RAD and CURL (Laskin et al. 2020, Srinivas et al. 2020), written anew.
"""

import copy
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

ImageShape = tuple[int, int, int]
Convolutions = Callable[[int], nn.ModuleList]
"""From the channels of an image the layers of an encoder, each to be followed by a ReLU."""


class StackReplay:
    """A ring of transitions that holds both stacks of each as uint8.

    Args:
        capacity: transitions.
        image_shape: (C, H, W) as rendered, before the crop.
        action_dim: size of the action A.
        seed: of the sampling and the crops.
    """

    def __init__(self, capacity: int, image_shape: ImageShape, action_dim: int, seed: int = 0) -> None:
        self.obs = np.empty((capacity, *image_shape), np.uint8)
        self.next_obs = np.empty((capacity, *image_shape), np.uint8)
        self.action = np.empty((capacity, action_dim), np.float32)
        self.reward = np.empty(capacity, np.float32)
        self.discount = np.empty(capacity, np.float32)
        self.capacity, self.added = capacity, 0
        self.random = np.random.default_rng(seed)

    def add(self, obs: np.ndarray, action: np.ndarray, reward: float, discount: float, next_obs: np.ndarray) -> None:
        slot = self.added % self.capacity
        self.obs[slot], self.next_obs[slot] = obs, next_obs
        self.action[slot], self.reward[slot], self.discount[slot] = action, reward, discount
        self.added += 1

    def sample(self, batch_size: int, crop_size: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Draw a batch; crop obs and next_obs independently; turn images to float [0, 1]."""
        rows = self.random.integers(min(self.added, self.capacity), size=batch_size)
        obs = random_crop(self.obs[rows], crop_size, self.random)
        next_obs = random_crop(self.next_obs[rows], crop_size, self.random)
        rest = (torch.from_numpy(part[rows]) for part in (self.action, self.reward, self.discount))
        return torch.from_numpy(obs).float() / 255, *rest, torch.from_numpy(next_obs).float() / 255


def random_crop(images: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """Crop every image [B, C, H, W] at a place of its own."""
    batch, channels, height, width = images.shape
    cropped = np.empty((batch, channels, size, size), images.dtype)
    for number in range(batch):
        top, left = random.integers(height - size + 1), random.integers(width - size + 1)
        cropped[number] = images[number, :, top : top + size, left : left + size]
    return cropped


def rad_convolutions(channels: int) -> nn.ModuleList:
    """Make the convolutions of RAD's encoder."""
    widths = [channels, 32, 32, 32, 32]
    return nn.ModuleList(nn.Conv2d(widths[i], widths[i + 1], 3, stride=1 if i else 2) for i in range(4))


class PixelNet(nn.Module):
    """Convolutions, then a projection with LayerNorm; `detach` stops the gradient between the two."""

    def __init__(
        self, image_shape: ImageShape, projection_dim: int, convolutions: Convolutions = rad_convolutions
    ) -> None:
        super().__init__()
        self.convs = convolutions(image_shape[0])
        with torch.no_grad():
            feature_dim = self.convolve(torch.zeros(1, *image_shape)).shape[1]
        self.projection = nn.Linear(feature_dim, projection_dim)
        self.norm = nn.LayerNorm(projection_dim)

    def convolve(self, images: Tensor) -> Tensor:
        for conv in self.convs:
            images = torch.relu(conv(images))
        return images.flatten(1)

    def forward(self, images: Tensor, detach: bool = False) -> Tensor:
        features = self.convolve(images)
        return self.norm(self.projection(features.detach() if detach else features))


def mlp(in_dim: int, hidden_dim: int, out_dim: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(in_dim, hidden_dim), nn.ReLU(),
        nn.Linear(hidden_dim, hidden_dim), nn.ReLU(),
        nn.Linear(hidden_dim, out_dim),
    )  # fmt: skip


class EagerActor(nn.Module):
    """Squashed Gaussian policy on images."""

    def __init__(
        self,
        image_shape: ImageShape,
        action_dim: int,
        projection_dim: int,
        hidden_dim: int,
        convolutions: Convolutions = rad_convolutions,
    ) -> None:
        super().__init__()
        self.encoder = PixelNet(image_shape, projection_dim, convolutions)
        self.trunk = mlp(projection_dim, hidden_dim, 2 * action_dim)

    def forward(self, images: Tensor, detach: bool = False) -> tuple[Tensor, Tensor]:
        mean, raw = self.trunk(self.encoder(images, detach)).chunk(2, dim=-1)
        log_std = -10 + 0.5 * (2 + 10) * (torch.tanh(raw) + 1)
        noise = torch.randn_like(mean)
        action = torch.tanh(mean + log_std.exp() * noise)
        log_prob = (-0.5 * noise.pow(2) - log_std).sum(-1) - 0.5 * np.log(2 * np.pi) * mean.shape[-1]
        return action, log_prob - torch.log(F.relu(1 - action.pow(2)) + 1e-6).sum(-1)


class EagerCritic(nn.Module):
    """Two Q functions on images."""

    def __init__(
        self,
        image_shape: ImageShape,
        action_dim: int,
        projection_dim: int,
        hidden_dim: int,
        convolutions: Convolutions = rad_convolutions,
    ) -> None:
        super().__init__()
        self.encoder = PixelNet(image_shape, projection_dim, convolutions)
        self.q1 = mlp(projection_dim + action_dim, hidden_dim, 1)
        self.q2 = mlp(projection_dim + action_dim, hidden_dim, 1)

    def forward(self, images: Tensor, action: Tensor, detach: bool = False) -> tuple[Tensor, Tensor]:
        inputs = torch.cat([self.encoder(images, detach), action], dim=-1)
        return self.q1(inputs).squeeze(-1), self.q2(inputs).squeeze(-1)


class EagerSAC:
    """RAD-SAC with one network each for actor, critic and target critic; actor and critic share convolutions.

    Args:
        image_shape: (C, H, W) after the crop.
        action_dim: size of the action A.
        projection_dim, hidden_dim: widths.
        convolutions: of another encoder than RAD's.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        action_dim: int,
        *,
        projection_dim: int = 50,
        hidden_dim: int = 1024,
        convolutions: Convolutions = rad_convolutions,
    ) -> None:
        sizes = (image_shape, action_dim, projection_dim, hidden_dim, convolutions)
        self.actor, self.critic = EagerActor(*sizes), EagerCritic(*sizes)
        self.critic_target = copy.deepcopy(self.critic)
        self.actor.encoder.convs = self.critic.encoder.convs
        self.log_alpha = torch.tensor(np.log(0.1), dtype=torch.float32, requires_grad=True)
        self.target_entropy = -float(action_dim)
        self.updates = 0
        self.actor_optimizer = torch.optim.Adam(self.actor_head(), lr=1e-3)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=1e-3)
        self.alpha_optimizer = torch.optim.Adam([self.log_alpha], lr=1e-4, betas=(0.5, 0.999))

    def actor_head(self) -> list[nn.Parameter]:
        return [value for name, value in self.actor.named_parameters() if "convs" not in name]

    def update(
        self, obs: Tensor, action: Tensor, reward: Tensor, discount: Tensor, next_obs: Tensor
    ) -> dict[str, float]:
        """Update critic and, every second time, actor, temperature and target."""
        losses = {"critic_loss": self.update_critic(obs, action, reward, discount, next_obs)}
        if self.updates % 2 == 0:
            losses |= self.update_actor_and_temperature(obs)
            self.update_target()
        self.updates += 1
        return losses

    def update_critic(self, obs: Tensor, action: Tensor, reward: Tensor, discount: Tensor, next_obs: Tensor) -> float:
        with torch.no_grad():
            next_action, next_log_prob = self.actor(next_obs)
            next_q1, next_q2 = self.critic_target(next_obs, next_action)
            soft_value = torch.min(next_q1, next_q2) - self.log_alpha.exp() * next_log_prob
            target = reward + discount * soft_value
        q1, q2 = self.critic(obs, action)
        loss = F.mse_loss(q1, target) + F.mse_loss(q2, target)
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()
        return loss.item()

    def update_actor_and_temperature(self, obs: Tensor) -> dict[str, float]:
        action, log_prob = self.actor(obs, detach=True)
        q1, q2 = self.critic(obs, action, detach=True)
        actor_loss = (self.log_alpha.exp().detach() * log_prob - torch.min(q1, q2)).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        self.actor_optimizer.step()
        alpha_loss = (self.log_alpha.exp() * (-log_prob - self.target_entropy).detach()).mean()
        self.alpha_optimizer.zero_grad()
        alpha_loss.backward()
        self.alpha_optimizer.step()
        return {"actor_loss": actor_loss.item(), "temperature_loss": alpha_loss.item()}

    def update_target(self) -> None:
        pairs = ((self.critic.q1, self.critic_target.q1, 0.01), (self.critic.q2, self.critic_target.q2, 0.01),
                 (self.critic.encoder, self.critic_target.encoder, 0.05))  # fmt: skip
        for net, target, tau in pairs:
            for value, old in zip(net.parameters(), target.parameters()):
                old.data.copy_(tau * value.data + (1 - tau) * old.data)
