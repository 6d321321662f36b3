"""One run of a sweep, in a process of its own: python -m rad.sweep.worker FOLDER PARENT."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

GRACE_S = 300.0  # for a run to save itself, in the middle of a long evaluation too


def main(arguments: list[str]) -> int:
    """Go on with the run in FOLDER, or begin it, as long as the process PARENT lives; return the exit status.

    A run that another process is still at work on, as after the end of an earlier sweep, is waited for.
    """
    folder, parent = Path(arguments[0]), int(arguments[1])
    threading.Thread(target=stop_without, args=(parent,), daemon=True).start()
    from rad.pictures import PICTURES
    from rad.runtime import plugins
    from rad.training.trainer import resume

    plugins.load_inherited()
    while True:
        try:
            return resume(folder, PICTURES)
        except BlockingIOError as error:
            print(f"{error}; waiting", flush=True)
            time.sleep(1.0)


def stop_without(parent: int, grace_s: float = GRACE_S) -> None:
    """Wait for the end of the parent, then stop this process as a user would, and if need be without asking."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    os._exit(128 + signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
