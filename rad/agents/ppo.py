"""PPO from pixels: clipped or KL-penalized; augmented while acting (RAD) or in a consistency loss (DrAC)."""

from dataclasses import dataclass
from typing import Literal, Unpack

import torch
from torch import Tensor

from rad.agents.base import Augmentations
from rad.agents.on_policy import OnPolicyAgent, OnPolicyConfig, OnPolicyOptions
from rad.agents.optimizers import Adam, clipped_step
from rad.agents.reward_norm import RewardNormalizer
from rad.heads.distributions import Distribution
from rad.losses.consistency import consistency_loss
from rad.losses.diagnostics import explained_variance, inactive_units
from rad.losses.ppo import adapt_beta, clipped_policy_loss, normalize, penalized_policy_loss, value_loss
from rad.losses.returns import gae
from rad.settings import SettingError
from rad.types import Metrics, Minibatch, Rollout


@dataclass(frozen=True)
class PPOConfig(OnPolicyConfig):
    """Hyperparameters of PPO. Defaults are for Procgen with 64 environments (Cobbe et al. 2020, train-procgen)."""

    num_minibatches: int = 8
    """Gradient steps per pass over a rollout."""
    num_epochs: int = 3
    """Passes over a rollout."""
    gae_lambda: float = 0.95
    """GAE's lambda: 0 is the one-step advantage, 1 the return of the rest of the episode less the value."""
    adam_eps: float = 1e-5
    """Adam's epsilon."""
    objective: Literal["clip", "kl"] = "clip"
    """clip, or kl: a penalty on the divergence from the policy that acted, with an adaptive weight."""
    clip_coef: float = 0.2
    """How far from 1 the ratio of probabilities is rewarded, and how far values may move."""
    clip_value: bool = True
    """Clip the movement of values (OpenAI baselines); the paper does not."""
    target_kl: float = 0.01
    """Divergence in nats that the kl objective aims at; the best of the PPO paper's."""
    init_kl_beta: float = 1.0
    """Weight of the divergence at the start; it adapts quickly, so that the start hardly matters (PPO paper)."""
    normalize_advantage: bool = True
    """Give the advantages of each minibatch mean 0 and standard deviation 1."""
    normalize_reward: bool = True
    """Divide rewards by the standard deviation of the running discounted return."""
    reward_gamma: float = 0.0
    """Discount of that return; 0 takes gamma. The published implementations have 0.99 whatever gamma is."""
    reward_clip: float = 10.0
    """Largest size of a normalized reward."""
    augment_where: Literal["rollout", "consistency"] = "rollout"
    """rollout: act and learn on augmented frames (RAD); consistency: in a loss of its own only (DrAC)."""
    consistency_coef: float = 0.1
    """Weight of DrAC's consistency loss."""

    def check(self) -> None:
        """Raise a SettingError, as of `AgentConfig`."""
        super().check()
        kl, clip = self.objective == "kl", self.objective == "clip"
        self._check_effect(kl, "{objective} kl", "target_kl", "init_kl_beta")
        self._check_effect(clip or self.clip_value, "{objective} clip or {clip_value} True", "clip_coef")
        self._check_effect(self.augment_where == "consistency", "{augment_where} consistency", "consistency_coef")
        self._check_effect(self.normalize_reward, "{normalize_reward} True", "reward_gamma", "reward_clip")
        if kl and self.num_epochs * self.num_minibatches < 2:
            raise SettingError("objective", "kl needs two or more gradient steps per rollout: in the first, KL is 0")


class PPOAgent(OnPolicyAgent):
    """Proximal Policy Optimization from pixels; policy and value share encoder and trunk.

    Args:
        image_shape, action_dim, discrete, total_updates, encoder, **options: as of `OnPolicyAgent`.
        config: hyperparameters.
        augmentation: a single one, or several by name among which a bandit chooses for each rollout.

    Raises:
        ValueError: as of `OnPolicyAgent`.

    Source: Schulman et al. 2017 (PPO, arXiv 1707.06347); Laskin et al. 2020 (RAD, arXiv 2004.14990); Raileanu
    et al. 2021 (DrAC, arXiv 2006.12862).
    """

    parts = ("encoder", "head", "optimizer", "views", "normalizer")
    tensors = (*OnPolicyAgent.tensors, "kl_beta")

    config: PPOConfig

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        action_dim: int,
        config: PPOConfig,
        augmentation: Augmentations,
        **options: Unpack[OnPolicyOptions],
    ) -> None:
        augments_rollout = config.augment_where == "rollout"
        super().__init__(image_shape, action_dim, config, augmentation, augments_rollout=augments_rollout, **options)
        self.normalizer = RewardNormalizer(config.reward_gamma or config.gamma, config.reward_clip)
        params = [*self.encoder.parameters(), *self.head.parameters()]
        self.optimizer = Adam(params, lr=config.lr, eps=config.adam_eps, fused=True)
        self.kl_beta = torch.tensor(config.init_kl_beta, device=self.device)

    def update(self, rollout: Rollout) -> Metrics:
        """Learn from the rollout that `begin_rollout` began, in epochs of minibatches; return averages of metrics.

        With several ranks each has a rollout of its own environments, and what is learned is as if one had them all.
        """
        config, ends = self.config, (rollout.terminated, rollout.truncated)
        reward = self._normalized_reward(rollout) if config.normalize_reward else rollout.reward
        advantage, returns = gae(
            reward, rollout.value, rollout.next_value, *ends, gamma=config.gamma, gae_lambda=config.gae_lambda
        )
        everywhere = [self.ranks.gather(part, 1) for part in (rollout.value, returns, advantage)]
        value, all_returns, all_advantages = everywhere
        self.views.update(float(all_returns.mean()))
        if config.augment_where == "consistency":
            self.views.choose()
        self._anneal()
        metrics = [
            self._update_minibatch(batch)
            for batch in rollout.minibatches(
                config.num_minibatches, config.num_epochs, advantage, returns, self.generator
            )
        ]
        averages = self._average(metrics)  # before kl_beta, which one of them shows, changes in place
        if config.objective == "kl":  # by the last epoch, each minibatch before its own step
            last_kl = self._average(metrics[-config.num_minibatches :])["kl"]
            self.kl_beta.copy_(adapt_beta(self.kl_beta, last_kl, config.target_kl))
        self.updates += 1
        spread = {"target_std": all_returns.std(correction=0), "advantage_std": all_advantages.std(correction=0)}
        spread["explained_variance"] = explained_variance(value, all_returns)
        return averages | spread | self.views.metrics()

    def _normalized_reward(self, rollout: Rollout) -> Tensor:
        """Scale this rank's rewards by statistics of all ranks'."""
        first, count = self.ranks.rank * rollout.reward.shape[1], rollout.reward.shape[1]
        ended = self.ranks.gather(rollout.terminated | rollout.truncated, 1)
        return self.normalizer(self.ranks.gather(rollout.reward, 1), ended)[:, first : first + count]

    def _update_minibatch(self, batch: Minibatch) -> Metrics:
        """Take one step down the gradient of the sum of all losses: L_policy + c_v L_value - c_e entropy and others."""
        config = self.config
        features = self._encode(self.encoder, self._rollout_view(batch.obs, batch.env))  # what the policy acted on
        with self._autocast():
            policy, value = self.head(features)
        kl, entropy = self.head.distribution(batch.policy).kl(policy), policy.entropy().mean()
        policy_loss, metrics = self._policy_loss(policy.log_prob(batch.action), kl, batch)
        clip_coef = config.clip_coef if config.clip_value else None
        v_loss, value_metrics = value_loss(value, batch.value, batch.returns, clip_coef)
        losses = {"policy": policy_loss, "value": config.vf_coef * v_loss, "entropy": -config.ent_coef * entropy}
        metrics |= value_metrics | {"kl": kl.detach().mean(), "entropy": entropy.detach()}
        metrics["inactive_units"] = inactive_units(features)
        if config.augment_where == "consistency":
            consistency, consistency_metrics = self._consistency(batch.obs, policy, value)
            losses["consistency"] = config.consistency_coef * consistency
            metrics |= consistency_metrics
        losses, metrics = self._add_auxiliary(losses, metrics, batch)
        metrics["grad_norm"] = clipped_step(self.optimizer, config.max_grad_norm, *losses.values(), ranks=self.ranks)
        self._step_auxiliary()
        return metrics

    def _policy_loss(self, log_prob: Tensor, kl: Tensor, batch: Minibatch) -> tuple[Tensor, Metrics]:
        advantage = batch.advantage
        if self.config.normalize_advantage:
            advantage = normalize(advantage, self.ranks.gather(advantage))
        if self.config.objective == "kl":
            return penalized_policy_loss(log_prob, batch.log_prob, advantage, kl, self.kl_beta)
        return clipped_policy_loss(log_prob, batch.log_prob, advantage, self.config.clip_coef)

    def _consistency(self, obs: Tensor, policy: Distribution, value: Tensor) -> tuple[Tensor, Metrics]:
        """Compare policy and value of the clean images with those of a fresh view of each."""
        augmented_policy, augmented_value = self._forward(self.views(obs))
        clean_policy = self.head.distribution(policy.params.detach())
        return consistency_loss(clean_policy.kl(augmented_policy), value, augmented_value)

    def _average(self, metrics: list[Metrics]) -> Metrics:
        """Average over gradient steps and ranks."""
        averages = torch.stack([torch.stack([row[name] for row in metrics]).mean() for name in metrics[0]])
        self.ranks.mean_([averages])
        return dict(zip(metrics[0], averages))
