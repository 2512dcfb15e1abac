"""`manage.py dbshell` by every option of DATABASE_URL, of which Django would hand on only some."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import client

from config.services import conninfo


class DatabaseClient(client.DatabaseClient):
    """psql; the password goes by the environment, which `ps` does not show."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        """The command line and what it adds to the environment."""
        password = str(settings_dict.get("PASSWORD") or "")
        command = [cls.executable_name, *parameters, conninfo(settings_dict)]
        return command, {"PGPASSWORD": password} if password else None
