"""Sessions in the database, as Django keeps them."""

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore


class SessionStore(DatabaseSessionStore):
    """Accepts only keys that it could have made: a quoted cookie can hold a NUL, which no text column can."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and key.isascii() and key.isalnum() and super()._validate_session_key(key))  # type: ignore[misc]
