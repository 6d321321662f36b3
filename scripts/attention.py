"""Same as `rad attention`."""

import sys

from rad.cli import main

if __name__ == "__main__":
    sys.exit(main(["attention", *sys.argv[1:]]))
