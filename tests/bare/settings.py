"""Settings for a run without Redis, where nothing is set that need not be."""

import os
import socket

from config.dotenv import SettingsError
from config.environment import NAMES_IN_FILE
from tests.kit.variables import EVERY_NAME

for name in EVERY_NAME - {"DATABASE_URL"}:
    os.environ.pop(name, None)

# Taken for as long as the tests run and never listened at: whoever connects is refused.
NOBODY = socket.socket()
NOBODY.bind(("127.0.0.1", 0))
os.environ["DEBUG"] = "1"
os.environ["REDIS_URL"] = f"redis://127.0.0.1:{NOBODY.getsockname()[1]}/0"

try:
    from config.settings import *
except SettingsError as reason:  # in words, where pytest-django would show a traceback
    raise SystemExit(str(reason)) from None

if extra := EVERY_NAME & NAMES_IN_FILE.keys() - {"DEBUG", "DATABASE_URL", "REDIS_URL"}:
    raise SystemExit(f"Take these out of .env, or it is no bare run: {', '.join(sorted(extra))}")

DATABASES["default"]["OPTIONS"]["options"] = "-c pointshop.may_empty_ledger=on"  # noqa: F405

BARE = True
