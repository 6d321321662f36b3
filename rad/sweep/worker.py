"""A run of a sweep in its process: python -m rad.sweep.worker FOLDER PARENT."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

GRACE_S = 300.0  # for a run to save itself, in the middle of a long evaluation too


def main(arguments: list[str]) -> int:
    """Start or resume the run in FOLDER, as long as the process PARENT lives; return the exit status.

    While another process still works on the run, as after the end of an earlier sweep, it waits.
    """
    folder, parent = Path(arguments[0]), int(arguments[1])
    threading.Thread(target=stop_without, args=(parent,), daemon=True).start()
    from rad.runtime import plugins
    from rad.training.pictures import PICTURES
    from rad.training.trainer import resume

    plugins.load_inherited()
    while True:
        try:
            return resume(folder, PICTURES)
        except BlockingIOError as error:
            print(f"{error}; waiting", flush=True)
            time.sleep(1.0)


def stop_without(parent: int, grace_s: float = GRACE_S) -> None:
    """Wait for the end of the parent, then stop this process with SIGTERM, and after `grace_s` without saving."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    os._exit(128 + signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
