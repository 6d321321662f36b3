"""Settings of earlier versions, converted to the current form."""

from collections.abc import Mapping
from typing import Any

ENCODER_OPTIONS = ("num_layers", "num_filters", "width")  # were fields of a run, 0 for the encoder's default
SUITES = ("procgen",)  # whose options were a field of every run of PPO, whatever its task
# New settings of a run and of its agent, with the earlier behavior.
ADDED = {"auxiliary_loss": "none", "eval_workers": 0, "keep_best": False}
# PPO has always had the first.
ADDED_TO_RUN = {"sac": {"eval_policy": "mode", "replay_device": "auto", "capture": False}}
ADDED_TO_AGENT = {"sac": {"actor_features": "after", "target_encoder": True, "tanh_floor": 0.0}}


def migrate(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a configuration, nested or flat, under their current names.

    Another kind of file may have fields of these names; those of another type are left as they are.

    Example:
        >>> migrate({"algo": "ppo", "encoder": "impala", "num_layers": 0, "num_filters": 0, "width": 2})
        {'algo': 'ppo', 'encoder': 'impala:width=2', 'auxiliary_loss': 'none', 'eval_workers': 0, 'keep_best': False}
    """
    fields = dict(plain)
    options = {name: fields.pop(name) for name in ENCODER_OPTIONS if name in fields}
    if isinstance(fields.get("encoder"), str):
        fields["encoder"] = ":".join([fields["encoder"], *(f"{name}={n}" for name, n in options.items() if n)])
    suites = {name: fields.pop(name) for name in SUITES if name in fields}
    if suites or isinstance(fields.get("agent"), dict):
        fields = _with(fields, {"suite": suites.get(str(fields.get("task", "")).partition("/")[0], {})})
    algo = str(fields.get("algo", ""))
    added = ADDED_TO_RUN.get(algo, {}) | ADDED if isinstance(fields.get("algo"), str) else {}
    if isinstance(fields.get("agent"), dict):
        fields["agent"] = _with(fields["agent"], ADDED_TO_AGENT.get(algo, {}))
        return _with(fields, added)
    return _with(fields, added | ADDED_TO_AGENT.get(algo, {}))


def _with(fields: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in their order, and behind them those that are missing."""
    return {**fields, **{name: value for name, value in added.items() if name not in fields}}
