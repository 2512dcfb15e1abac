"""Who is calling: the gateway in front of the shop says so in a header."""

import hmac
from typing import cast

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api.problems import Problem
from users import selectors
from users.models import User

CHALLENGE = 'Gateway realm="pointshop"'


def caller(request: Request) -> User:
    """The member that authentication found."""
    return cast("User", request.user)


class UntrustedGateway(Problem):
    """The request does not carry the gateway's secret."""

    code = "untrusted_gateway"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": CHALLENGE})


class GatewayAuthentication(BaseAuthentication):
    """Reads X-User-Id, and X-Gateway-Secret where one is configured."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The registered user named by the header. Raises UntrustedGateway."""
        _require_gateway(request)
        user = selectors.registered_user(user_id=request.META.get("HTTP_X_USER_ID", ""))
        return None if user is None else (user, None)

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 says in WWW-Authenticate."""
        return CHALLENGE


class IsRegistered(BasePermission):
    """Lets registered users pass."""

    def has_permission(self, request: Request, _view: object) -> bool:
        """Whether authentication found a member."""
        return isinstance(request.user, User)


def _require_gateway(request: Request) -> None:
    """Compare the secret in constant time, as the bytes that came."""
    if not settings.GATEWAY_SECRET:
        return
    given = request.META.get("HTTP_X_GATEWAY_SECRET", "").encode("latin-1", "replace")
    if not hmac.compare_digest(given, settings.GATEWAY_SECRET.encode()):
        raise UntrustedGateway
