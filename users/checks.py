"""Deploy checks of the gateway's secret."""

from typing import Any

from django.conf import settings
from django.core import checks

UNVERIFIED_GATEWAY = (
    "GATEWAY_SECRET is unset: X-User-Id is trusted as it comes, so a caller can be any member."
)


@checks.register(checks.Tags.security, deploy=True)
def gateway_secret_is_set(**_: Any) -> list[checks.CheckMessage]:
    if settings.GATEWAY_SECRET:
        return []
    hint = "Set it, and let the gateway send it as X-Gateway-Secret."
    return [checks.Warning(UNVERIFIED_GATEWAY, hint=hint, id="users.W001")]
