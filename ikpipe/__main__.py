"""`python -m ikpipe`: the command line."""

import sys

from ikpipe.cli import main

sys.exit(main())
