"""Authentication of callers by a header of the gateway in front of the shop."""

import hmac
import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.db.exchange import send_one
from core.problems import CHALLENGE, NotRegistered
from users.problems import UntrustedGateway
from users.selectors import member

_USER_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True)
class Caller:
    """The caller whom the gateway names, as `request.user`; not yet known to be a member.

    Services check that in their first message, because a permission's query would be an additional one.
    """

    pk: int


class GatewayAuthentication(BaseAuthentication):
    """Reads X-User-Id, and X-Gateway-Secret where one is configured."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """The caller in the header; None if it holds no possible id. Raises UntrustedGateway."""
        if settings.GATEWAY_SECRET:
            # In constant time, as the bytes that came.
            given = request.META.get("HTTP_X_GATEWAY_SECRET", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, settings.GATEWAY_SECRET.encode()):
                raise UntrustedGateway
        spelt = request.META.get("HTTP_X_USER_ID", "")
        if not _USER_ID.fullmatch(spelt) or int(spelt) > BigIntegerField.MAX_BIGINT:
            return None
        return Caller(int(spelt)), None

    def authenticate_header(self, _request: Request) -> str:
        return CHALLENGE


class IsRegistered(BasePermission):
    """Lets registered users pass."""

    def has_permission(self, request: Request, _view: Any) -> bool:
        """True for a member. Raises NotAuthenticated or NotRegistered for other callers."""
        caller: Any = request.user
        if caller is None:
            raise NotAuthenticated
        if not send_one(member(user_id=caller.pk)):
            raise NotRegistered
        return True
