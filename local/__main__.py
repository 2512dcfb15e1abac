"""The whole shop on this machine: `python -m local`."""

import sys

from local.launcher import main

sys.exit(main())
