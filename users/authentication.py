"""Who is calling: the gateway in front of the shop says so in a header."""

import hmac
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.db.exchange import send
from core.problems import CHALLENGE
from users import selectors
from users.problems import UntrustedGateway
from users.services import require_member
from users.statements import member


@dataclass(frozen=True)
class Caller:
    """Whom the gateway names; not yet known to be a member.

    A service asks for that in its first message, in which a permission's query would be one more.
    """

    pk: int


def caller(request: Request) -> Caller:
    return cast("Caller", request.user)


class GatewayAuthentication(BaseAuthentication):
    """Reads X-User-Id, and X-Gateway-Secret where one is configured."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Whom the header names; None where it spells no id. Raises UntrustedGateway."""
        _require_gateway(request)
        user_id = selectors.parse_user_id(text=request.META.get("HTTP_X_USER_ID", ""))
        return None if user_id is None else (Caller(user_id), None)

    def authenticate_header(self, _request: Request) -> str:
        return CHALLENGE


class IsRegistered(BasePermission):
    """Lets registered users pass."""

    def has_permission(self, request: Request, _view: Any) -> bool:
        """True, for a member. Raises NotAuthenticated or NotRegistered for anybody else."""
        named = cast("Caller | None", request.user)
        if named is None:
            raise NotAuthenticated
        (found,) = send(member(user_id=named.pk))
        require_member(found)
        return True


def _require_gateway(request: Request) -> None:
    """Compare the secret in constant time, as the bytes that came."""
    if not settings.GATEWAY_SECRET:
        return
    given = request.META.get("HTTP_X_GATEWAY_SECRET", "").encode("latin-1", "replace")
    if not hmac.compare_digest(given, settings.GATEWAY_SECRET.encode()):
        raise UntrustedGateway
