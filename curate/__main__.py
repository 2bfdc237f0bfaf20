"""Run `python -m curate`."""

import sys

from curate.cli import main

if __name__ == "__main__":
    sys.exit(main())
