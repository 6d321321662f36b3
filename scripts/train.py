"""Same as `rad train`."""

import sys

from rad.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
