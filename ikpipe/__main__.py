"""`python -m ikpipe`: the command line."""

import sys

from ikpipe.cli import main

if __name__ == "__main__":
    sys.exit(main())
