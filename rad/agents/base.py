"""What all agents share: one encoder, acting, auxiliary losses, a precision, and a state that resumes exactly."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypedDict, get_args, get_origin, get_type_hints

import numpy as np
import torch
from torch import Tensor

import augment
import encoders
from rad.agents import auxiliary
from rad.agents.bandit import BanditViews
from rad.agents.device.draws import Draw, upload
from rad.agents.state import Stateful
from rad.agents.targets import Target, Targets
from rad.agents.views import Views
from rad.heads.distributions import Policy
from rad.settings import SettingError, mention
from rad.types import ALONE, Batch, Images, Metrics, Ranks

Augmentations = augment.Augmentation | Mapping[str, augment.Augmentation]
"""An augmentation, or several by name that a bandit chooses among."""


PolicyState = dict[str, dict[str, np.ndarray]]
"""Weights of the networks that act: by network and name, in the memory of the host, apart from the agent's."""


class Options(TypedDict, total=False):
    """What every agent's constructor takes beyond its own arguments, see `Agent`."""

    auxiliary_loss: str
    seed: int
    device: torch.device | str
    precision: str
    ranks: Ranks


@dataclass(frozen=True)
class AgentConfig:
    """Hyperparameters of an agent; each agent derives its own."""

    def check(self) -> None:
        """Raise a SettingError if an option is an unknown word, contradicts another or has no effect."""
        for name, kind in get_type_hints(type(self)).items():
            if get_origin(kind) is Literal and getattr(self, name) not in get_args(kind):
                raise SettingError(name, repr(getattr(self, name)), " or ".join(get_args(kind)))

    def _check_effect(self, effective: bool, condition: str, *names: str) -> None:
        """Refuse values that would be ignored silently, defaults excepted; `condition` says when they are effective."""
        for name in names:
            value, default = getattr(self, name), getattr(type(self), name)
            if value != default and not effective:
                raise SettingError(
                    name, f"has an effect only with {mention(condition)}; allowed here: {default}, got {value}"
                )


@dataclass(frozen=True)
class OffPolicyConfig(AgentConfig):
    """What the replay is made and sampled by; the agent finds it in its batches alone."""

    batch_size: int = 128
    """Transitions per update."""
    gamma: float = 0.99
    """Discount per agent step, by which the replay sums rewards and discounts."""
    n_step: int = 1
    """Agent steps that the replay sums before bootstrapping."""


class Agent(Stateful, abc.ABC):
    """Base of the agents, which add their networks, `update`, and what else their loop needs.

    Args:
        image_shape: (C, H, W) of the stored observations, before augmentation.
        augmentation: an augmentation, or several by name.
        encoder: an encoder of augmented images, or a text for `encoders.make`.
        auxiliary_loss: text for `auxiliary.make`: losses that train the encoder beside the agent's own.
        seed: of the initial weights and of all draws.
        device: of the networks.
        precision: "fp32", "tf32" (fp32 of a process that is set to it), or "bf16" for all but output layers and losses.
        ranks: the processes that train the agent together, each from the same seed.

    Raises:
        ValueError: there is no augmentation, the encoder takes images of another shape, or a text is wrong.

    Attributes:
        acting: names of the modules that `act` computes with.
        heads: names of the modules on the encoder that act and judge, without targets; `parts` has them too.
        candidates: the augmentations by name.
        generator: CPU generator of weights and actions.
        view_generator: CPU generator of the augmentation.
        auxiliary: the auxiliary losses by name.
        updates: how often `update` was called.
    """

    acting: ClassVar[tuple[str, ...]]
    heads: ClassVar[tuple[str, ...]]
    views: Views | BanditViews

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        augmentation: Augmentations,
        *,
        encoder: encoders.Encoder | str,
        auxiliary_loss: str = "none",
        seed: int = 0,
        device: torch.device | str = "cpu",
        precision: str = "fp32",
        ranks: Ranks = ALONE,
    ) -> None:
        self.candidates = dict(augmentation) if isinstance(augmentation, Mapping) else {"": augmentation}
        if not self.candidates:
            raise ValueError("augmentation must be one or several by name, got none")
        self.image_shape, self.device, self.precision, self.updates = image_shape, torch.device(device), precision, 0
        self.ranks = ranks
        # Three of them: actions and initial weights are the same with another augmentation or auxiliary loss.
        self.generator, self.view_generator, of_auxiliary = (torch.Generator().manual_seed(seed + i) for i in range(3))
        self.encoder = self._make_encoder(encoder, next(iter(self.candidates.values())))
        self.auxiliary = auxiliary.make(auxiliary_loss, self.encoder, generator=of_auxiliary)

    def draw_from(self, seed: int) -> None:
        """Draw from here on by other seeds: so ranks begin with the same weights, and act and augment differently."""
        self.generator.manual_seed(seed)
        self.view_generator.manual_seed(seed + 1)

    @abc.abstractmethod
    def targets(self) -> Targets:
        """Return what a map can explain of the agent, by name."""

    def target(self, name: str) -> Target:
        """Return one of `targets`.

        Raises:
            ValueError: there is none of that name.
        """
        if name not in (targets := self.targets()):
            raise ValueError(f"unknown target '{name}'; known: {', '.join(targets)}")
        return targets[name]

    def _make_encoder(self, encoder: encoders.Encoder | str, op: augment.Augmentation) -> encoders.Encoder:
        """Make or take an encoder, on the agent's device, channels-last."""
        shape = (self.image_shape[0], *op.output_size(*self.image_shape[1:]))
        if isinstance(encoder, str):
            encoder = encoders.make(encoder, shape, generator=self.generator)
        if encoder.image_shape != shape:
            raise ValueError(f"encoder must take augmented images {shape}, got one for {encoder.image_shape}")
        return encoder.to(self.device).to(memory_format=torch.channels_last)

    @abc.abstractmethod
    def _policy(self, images: Tensor) -> Policy:
        """Return the policy for a view, float [B, C, H, W]."""

    @torch.no_grad()
    def act(self, obs: np.ndarray, *, deterministic: bool, generator: torch.Generator | None = None) -> np.ndarray:
        """Choose actions for stored obs, uint8 [N, C, H, W], on the view without randomness.

        `deterministic` takes the mode instead of a sample, which a CPU generator draws; None is the agent's own, which
        training draws from too. Discrete actions are int64 [N], others float32 [N, A]: in [-1, 1] where the agent is
        off-policy, not clipped where it is PPO.
        """
        policy = self._policy(self.views.eval_view(torch.from_numpy(obs).to(self.device)))
        action = policy.mode if deterministic else policy.sample(generator or self.generator)
        return action.cpu().numpy()

    def _encode(self, encoder: encoders.Encoder, images: Tensor) -> Tensor:
        """Map a view [B, C, H, W] to features [B, F]."""
        with self._autocast():
            return encoder(images)

    def _draw_auxiliary(self, shape: Sequence[int]) -> list[Draw]:
        """Draw all views of the auxiliary losses, of images of `shape`."""
        return [self.views.draw(shape) for loss in self.auxiliary.values() for _ in range(loss.num_views)]

    def _add_auxiliary(
        self, losses: dict[str, Tensor], metrics: Metrics, batch: Batch, draws: Sequence[Draw] | None = None
    ) -> tuple[dict[str, Tensor], Metrics]:
        """Return an agent's losses and metrics with those of the auxiliary losses, each on views of its own.

        They are those of `_draw_auxiliary`, on the device, and drawn here if they are not given.
        """
        given = draws if draws is not None else upload(self._draw_auxiliary(batch.obs.shape), self.device)
        left = iter(given)

        def view(obs: Images) -> Tensor:
            if (draw := next(left, None)) is None:
                raise ValueError(f"auxiliary loss {name} takes more views than its num_views")
            return self.views.apply(obs, draw, self._dtype)

        for name, auxiliary_loss in self.auxiliary.items():
            with self._autocast():
                loss, of_loss = auxiliary_loss.loss(self.encoder, batch, view)
            losses, metrics = losses | {f"auxiliary {name}": loss}, metrics | of_loss
        return losses, metrics

    def _step_auxiliary(self) -> None:
        """Let the auxiliary losses take their own steps, after that of the encoder."""
        for auxiliary_loss in self.auxiliary.values():
            auxiliary_loss.step(self.encoder)

    @property
    def _dtype(self) -> torch.dtype:
        """What the first layer takes: a view is converted to it once, not at each pass through a network."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32

    def _autocast(self) -> torch.autocast:
        # Without the cache, which would keep a weight's cast from before the optimizer changed it.
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16", cache_enabled=False)

    def policy_state(self) -> PolicyState:
        """Return a copy of what `act` computes with."""
        states = {name: getattr(self, name).state_dict() for name in self.acting}
        return {name: {key: value.cpu().numpy().copy() for key, value in of.items()} for name, of in states.items()}

    def load_policy_state(self, state: PolicyState) -> None:
        """Act as the agent whose `policy_state` this is."""
        for name, weights in state.items():
            getattr(self, name).load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})

    def state_dict(self) -> dict[str, Any]:
        """Return networks, optimizers, generators, counters and the auxiliary losses."""
        return super().state_dict() | {
            "generator": self.generator.get_state(),
            "updates": self.updates,
            "auxiliary": {name: loss.state_dict() for name, loss in self.auxiliary.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        super().load_state_dict(state)
        self.generator.set_state(state["generator"])
        self.updates = state["updates"]
        for name, loss in self.auxiliary.items():  # states from before there were any lack the entry
            loss.load_state_dict(state["auxiliary"][name])
