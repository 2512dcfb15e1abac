"""Which database a benchmark asks: the one DATABASE_URL names, or an embedded one in a folder of its own."""

import os
from pathlib import Path

import django
from django.core.management import call_command

from core.embedded.servers import EmbeddedServices


def ask(folder: Path | None) -> None:
    """Set Django up; with a folder, on the servers in it, started and migrated, until this process ends."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DEBUG", "1")
    if folder is None:
        django.setup()
        return
    folder.mkdir(parents=True, exist_ok=True)
    servers = EmbeddedServices(folder)
    servers.ensure_running()
    os.environ |= {"DATABASE_URL": servers.database_url(), "REDIS_URL": servers.redis_url()}
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
