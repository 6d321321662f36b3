"""Settings as earlier versions wrote them, brought into the form of this one."""

from collections.abc import Mapping
from typing import Any

ENCODER_OPTIONS = ("num_layers", "num_filters", "width")  # were fields of their own, 0 for the encoder's default
ADDED = {"sac": {"actor_features": "after", "target_encoder": True}}  # with what was done before they were there


def migrate(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a configuration, nested or flat, under the names that they have now.

    Example:
        >>> migrate({"algo": "ppo", "encoder": "impala", "num_layers": 0, "num_filters": 0, "width": 2})
        {'algo': 'ppo', 'encoder': 'impala:width=2'}
    """
    fields = dict(plain)
    options = {name: fields.pop(name) for name in ENCODER_OPTIONS if name in fields}
    if "encoder" in fields:
        fields["encoder"] = ":".join([fields["encoder"], *(f"{name}={n}" for name, n in options.items() if n)])
    agent = fields.get("agent", fields)
    missing = {name: value for name, value in ADDED.get(fields.get("algo", ""), {}).items() if name not in agent}
    return fields | ({"agent": agent | missing} if "agent" in fields else missing)
