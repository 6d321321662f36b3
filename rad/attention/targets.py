"""What a map explains: a number that gradients climb, and outputs whose change under a perturbation is measured."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from rad.agents.ppo import PPOAgent
from rad.agents.sac import SACAgent
from rad.attention.maps import Output, Vector
from rad.heads.distributions import Categorical

Distance = Callable[[Tensor, Tensor], Tensor]
"""Maps vectors before and after a change, [B, D] each, to how far they are apart, [B]."""

ALLOWED = {
    "sac": "policy, value, q",
    "continuous ppo": "policy, value",
    "discrete ppo": "policy, value, logit:K with K from 0",
}


@dataclass(frozen=True)
class Target:
    """One output of an agent, as functions of its encoder's features [B, F].

    Attributes:
        name: as asked for.
        output: the number [B] that gradients climb.
        vector: what perturbations are seen in, [B, D].
        distance: between two such vectors, [B].
        logits: of discrete actions, [B, A]; None where actions are continuous.
    """

    name: str
    output: Output
    vector: Vector
    distance: Distance
    logits: Vector | None = None


def target_of(agent: SACAgent | PPOAgent, name: str) -> Target:
    """Return a target of an agent by name.

    - `policy`: gradients of the log-probability of the likeliest action, perturbations of all log-probabilities,
      told apart by KL(before || after); continuous actions: gradients of half the squared size of the mean action
      (before tanh), perturbations of the mode, told apart by Euclid's distance.
    - `value`: V(s) of PPO; of SAC min(Q1, Q2)(s, mode), with gradients through the mode as well.
    - `q`, of SAC: the same with the action held fixed.
    - `logit:K`, of discrete actions: the logit of action K.

    Raises:
        ValueError: the agent has no such target.
        TypeError: nothing is known of agents of its kind.
    """
    if isinstance(agent, SACAgent):
        found = _of_sac(agent, name)
    elif isinstance(agent, PPOAgent):
        found = _of_ppo(agent, name)
    else:
        raise TypeError(f"targets of {type(agent).__name__} are not known; known: SACAgent, PPOAgent")
    if found is None:
        kind = "sac" if isinstance(agent, SACAgent) else _kind(agent)
        raise ValueError(f"unknown target '{name}' of {kind}; allowed: {ALLOWED[kind]}")
    return found


def _of_sac(agent: SACAgent, name: str) -> Target | None:
    def q_of_mode(features: Tensor, *, hold: bool) -> Tensor:
        action = agent.actor(features).mode
        first, second = agent.critic(features, action.detach() if hold else action)
        return first.minimum(second)

    if name == "policy":
        return Target(
            name, lambda f: _half_square(agent.actor(f).mean), lambda f: agent.actor(f).mode, distance=_euclid
        )
    if name in ("value", "q"):
        return _scalar(name, lambda f: q_of_mode(f, hold=name == "q"))
    return None


def _of_ppo(agent: PPOAgent, name: str) -> Target | None:
    def params(features: Tensor) -> Tensor:
        return agent.head(features)[0].params

    logits = params if _kind(agent) == "discrete ppo" else None
    if name == "value":
        return _scalar(name, lambda f: agent.head(f)[1], logits)
    if name == "policy" and logits is None:
        return Target(name, lambda f: _half_square(agent.head(f)[0].mode), lambda f: agent.head(f)[0].mode, _euclid)
    if name == "policy":
        return Target(
            name,
            lambda f: params(f).log_softmax(1).amax(1),
            lambda f: params(f).log_softmax(1),
            lambda before, after: Categorical(before).kl(Categorical(after)),
            logits,
        )
    number = re.fullmatch(r"logit:(\d+)", name)
    if number and logits and int(number[1]) < agent.head.policy.out_features:
        return _scalar(name, lambda f: params(f)[:, int(number[1])], logits)
    return None


def _kind(agent: PPOAgent) -> str:
    return "discrete ppo" if agent.head.log_std is None else "continuous ppo"


def _scalar(name: str, output: Output, logits: Vector | None = None) -> Target:
    return Target(name, output, lambda features: output(features)[:, None], _euclid, logits)


def _half_square(vector: Tensor) -> Tensor:
    return 0.5 * vector.square().sum(1)


def _euclid(before: Tensor, after: Tensor) -> Tensor:
    return (before - after).norm(dim=1)
