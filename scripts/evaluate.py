"""Same as `rad evaluate`."""

import sys

from rad.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
