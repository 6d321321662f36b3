"""Same as `rad bench`."""

import sys

from rad.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
