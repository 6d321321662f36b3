"""Same as `rad ablate`."""

import sys

from rad.cli import main

if __name__ == "__main__":
    sys.exit(main(["ablate", *sys.argv[1:]]))
