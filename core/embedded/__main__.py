"""The embedded servers from a terminal: `python -m core.embedded start`."""

import sys

from core.embedded.servers import main

sys.exit(main())
