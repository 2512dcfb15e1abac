"""The whole shop on this machine: `python -m local`."""

import sys

from local.launcher import main

if __name__ == "__main__":
    sys.exit(main())
