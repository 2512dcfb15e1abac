"""Base viewsets: the checks of every endpoint before its one domain call."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.db import Error
from django.db.models import BigIntegerField
from django.urls import reverse
from rest_framework.exceptions import APIException, NotAcceptable, NotAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.db.pages import Page
from core.http.parsers import MAX_BODY_BYTES, require_readable
from core.http.problems import Malformed, TooLarge, UnsupportedMediaType
from core.http.serializers import serialize
from core.problems import CONTENT_TYPE, Invalid, NotFound, Problem

ID_PATTERN = r"[1-9][0-9]*"
# A client that accepts problem details accepts JSON; successes are `application/json` anyway.
ACCEPTABLE = frozenset({"*/*", "application/*", "application/json", CONTENT_TYPE})
# What a request is refused for before any of it is acted on.
UNREADABLE = (APIException, Invalid, Malformed, TooLarge, TooManyFieldsSent, UnsupportedMediaType)


def row_id(text: str) -> int:
    """The id that a path spells; 0, which no row has, for one beyond 64 bits."""
    pk = int(text)
    return pk if pk <= BigIntegerField.MAX_BIGINT else 0


class ApiViewSet(GenericViewSet[Any]):
    """Checks a request in the contract's order: 401, 405, 406, 429, 413, 415; the body comes after.

    A private endpoint asks that the gateway names somebody; whether that is a member, the service looks up
    with its first message. So `permission_classes` are checked only of an unreadable request, whose 401 comes
    first; no other permission may be used here (tests/contract/test_access.py).
    """

    lookup_value_regex = ID_PATTERN
    ordering: tuple[str, ...] = ("id",)
    http_method_names = ["get", "head", "post"]
    format_kwarg = None

    @property
    def caller_id(self) -> int:
        """The id that the gateway names, of a private endpoint; not yet known to be a member's."""
        caller: Any = self.request.user
        return int(caller.pk)

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:
        self.perform_authentication(request)
        if self.permission_classes and request.user is None:
            raise NotAuthenticated
        if (request.method or "").lower() not in self.action_map:
            self.http_method_not_allowed(request)
        renderer, media_type = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = renderer, media_type
        self.check_throttles(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            raise TooLarge
        require_readable(request)

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002 - DRF's signature
    ) -> tuple[BaseRenderer, str]:
        # Parameters of Accept change nothing, but `q=0` refuses.
        accepted = {f"{each.main_type}/{each.sub_type}" for each in request.accepted_types}
        if request.headers.get("Accept", "").strip() and ACCEPTABLE.isdisjoint(accepted) and not force:
            raise NotAcceptable
        return JSONRenderer(), JSONRenderer.media_type

    def handle_exception(self, exc: Exception) -> Response:
        # 401 comes before what cannot be read, so the caller is looked up first.
        if isinstance(exc, UNREADABLE):
            try:
                self.check_permissions(self.request)
            except (APIException, Problem, Error) as error:
                exc = error
        return super().handle_exception(exc)

    def page(self, request: Request, read: Callable[[Page], Sequence[Any]]) -> Response:
        """`read` answers the rows of a Page, in its direction, and one more where there is one."""
        paginator: Any = self.paginator
        serializer: Any = self.get_serializer_class()
        rows = paginator.rows_of(request, read, ordering=self.ordering)
        return self.get_paginated_response([serialize(serializer, row) for row in rows])

    def one(self, found: Sequence[Any]) -> Response:
        """Raises NotFound where nothing was found."""
        if not found:
            raise NotFound
        serializer: Any = self.get_serializer_class()
        return Response(serialize(serializer, found[0]))

    def location(self, *, basename: str, pk: int) -> dict[str, str]:
        return {"Location": reverse(f"{basename}-detail", kwargs={self.lookup_field: pk})}


class PublicViewSet(ApiViewSet):
    """A public endpoint: it ignores the headers that say who is calling."""

    authentication_classes = ()
    permission_classes = ()
