"""What a map can explain of an agent: numbers to differentiate, and outputs whose change is measured."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from rad.heads.distributions import Categorical, SquashedPolicy
from rad.heads.ppo import PolicyValue

Output = Callable[[Tensor], Tensor]
"""Maps features [B, F] to one number each, [B]."""

Vector = Callable[[Tensor], Tensor]
"""Maps features [B, F] to a vector each, [B, D]."""

Distance = Callable[[Tensor, Tensor], Tensor]
"""Maps vectors before and after a change, [B, D] each, to how far they are apart, [B]."""

Targets = dict[str, "Target"]


@dataclass(frozen=True)
class Target:
    """One output of an agent, as functions of its encoder's features [B, F].

    Attributes:
        name: its key in `Agent.targets`.
        output: the number [B] that is differentiated.
        vector: the output that perturbations change, [B, D].
        distance: between two such vectors, [B].
        logits: of discrete actions, [B, A]; None where actions are continuous.
    """

    name: str
    output: Output
    vector: Vector
    distance: Distance
    logits: Vector | None = None


def of_actor_and_critic(
    actor: Callable[[Tensor], SquashedPolicy], critic: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
) -> Targets:
    """Return the targets of an agent with continuous actions whose critic has two Q functions.

    - `policy`: gradients of half the squared norm of the mean action (before tanh), perturbations of the mode, with
      the Euclidean distance.
    - `value`: min(Q1, Q2)(s, mode), with gradients through the mode as well.
    - `q`: the same with the action held fixed.
    """

    def q_of_mode(features: Tensor, *, hold: bool) -> Tensor:
        """Return min(Q1, Q2) of the mode, whose gradient `hold` stops."""
        action = actor(features).mode
        first, second = critic(features, action.detach() if hold else action)
        return first.minimum(second)

    return {
        "policy": Target("policy", lambda f: _half_square(actor(f).mean), lambda f: actor(f).mode, _euclid),
        "value": _scalar("value", lambda f: q_of_mode(f, hold=False)),
        "q": _scalar("q", lambda f: q_of_mode(f, hold=True)),
    }


def of_policy_and_value(head: PolicyValue) -> Targets:
    """Return the targets of an agent whose head gives policy and value.

    - `policy`: of continuous actions as in `of_actor_and_critic`; of discrete ones gradients of the log-probability
      of the likeliest action, perturbations of all log-probabilities, with the distance KL(before || after).
    - `value`: V(s).
    - `logit:K`, of discrete actions: the logit of action K.
    """
    if head.log_std is not None:
        policy = Target("policy", lambda f: _half_square(head(f)[0].mode), lambda f: head(f)[0].mode, _euclid)
        return {"policy": policy, "value": _scalar("value", lambda f: head(f)[1])}

    def logits(features: Tensor) -> Tensor:
        """Return the logits of all actions."""
        return head(features)[0].params

    def logit(action: int) -> Target:
        """Return the target that is the logit of one action."""
        return _scalar(f"logit:{action}", lambda f: logits(f)[:, action], logits)

    policy = Target(
        "policy",
        lambda f: logits(f).log_softmax(1).amax(1),
        lambda f: logits(f).log_softmax(1),
        lambda before, after: Categorical(before).kl(Categorical(after)),
        logits,
    )
    numbers = [_scalar("value", lambda f: head(f)[1], logits), *map(logit, range(head.policy.out_features))]
    return {target.name: target for target in (policy, *numbers)}


def _scalar(name: str, output: Output, logits: Vector | None = None) -> Target:
    return Target(name, output, lambda features: output(features)[:, None], _euclid, logits)


def _half_square(vector: Tensor) -> Tensor:
    return 0.5 * vector.square().sum(1)


def _euclid(before: Tensor, after: Tensor) -> Tensor:
    return (before - after).norm(dim=1)
