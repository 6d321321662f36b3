"""Same as `rad compare`."""

import sys

from rad.cli import main

if __name__ == "__main__":
    sys.exit(main(["compare", *sys.argv[1:]]))
