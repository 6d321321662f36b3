"""Same as `rad report`."""

import sys

from rad.cli import main

if __name__ == "__main__":
    sys.exit(main(["report", *sys.argv[1:]]))
