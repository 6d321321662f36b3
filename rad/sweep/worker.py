"""A run of a sweep in its process: python -m rad.sweep.worker FOLDER PARENT."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from rad.sweep.process import SAVING_S


def main(arguments: list[str]) -> int:
    """Start or resume the run in FOLDER, as long as the process PARENT lives; return the exit status.

    While another process still works on the run, as after the end of an earlier sweep, it waits. PARENT started it, or
    the torchrun that started it with others.
    """
    folder, parent = Path(arguments[0]), int(arguments[1])
    threading.Thread(target=stop_without, args=(parent,), daemon=True).start()
    from rad.runtime import plugins
    from rad.runtime.processes import ranks
    from rad.training.pictures import PICTURES
    from rad.training.trainer import follow, resume

    plugins.load_inherited()
    with ranks.joined() as group:
        while True:
            try:
                return follow(group) if group.rank else resume(folder, PICTURES, group)
            except BlockingIOError as error:
                print(f"{error}; waiting", flush=True)
                time.sleep(1.0)


def stop_without(parent: int, grace_s: float = SAVING_S) -> None:
    """Wait for the end of the parent, then stop this process with SIGTERM, and after `grace_s` without saving."""
    lives = _is_alive if "WORLD_SIZE" in os.environ else _is_parent  # torchrun stands between the two
    while lives(parent):
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    os._exit(128 + signal.SIGKILL)


def _is_parent(process: int) -> bool:
    return os.getppid() == process


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
