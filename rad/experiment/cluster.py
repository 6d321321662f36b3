"""Ray: imported where it is used, and whether a cluster answers at an address."""

import os
import socket
import subprocess
import sys
from typing import Any

from rad.settings import SettingError

CONNECT_S = 5.0
ANSWER_S = 60.0
TRY = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"


def load(field: str) -> Any:
    """Import Ray, which the setting `field` asks for.

    Raises:
        SettingError: it is not installed; the text says how to get it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
    except ModuleNotFoundError as error:
        raise SettingError(field, "ray is not installed: pip install 'rad-rl[cluster]'") from error
    return ray


def connect(address: str, cpus: int, field: str) -> Any:
    """Connect to the cluster at an address, or start an instance of `cpus` on this machine; return Ray.

    Raises:
        SettingError: Ray is not installed.
    """
    ray = load(field)
    local = {"num_cpus": cpus, "include_dashboard": False} if address == "local" else {}
    ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
    return ray


def check_address(address: str) -> None:
    """Check that a cluster answers.

    Another process tries to connect, as Ray itself would keep trying for minutes where something else answers.

    Raises:
        SettingError: none answers.
    """
    if address != "auto":
        _check_port(address)
    try:
        done = subprocess.run([sys.executable, "-c", TRY, address], capture_output=True, text=True, timeout=ANSWER_S)
    except subprocess.TimeoutExpired:
        raise SettingError("address", f"no Ray cluster answers at {address} within {ANSWER_S:.0f} s") from None
    if done.returncode:
        reason = next((line.strip() for line in reversed(done.stderr.splitlines()) if line.strip()), "no reason given")
        raise SettingError("address", f"no Ray cluster answers at {address}: {reason}")


def _check_port(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise SettingError("address", f"{address}: {error}", "auto or HOST:PORT of a Ray cluster") from None
