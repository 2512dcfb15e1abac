"""What every endpoint of the shop does before its one domain call."""

from typing import Any, ClassVar

from django.db import Error
from django.urls import reverse
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.negotiation import JSONNegotiation
from api.parsers import MAX_BODY_BYTES, require_readable
from api.problems import Problem, TooLarge
from api.serializers import validated

ID_PATTERN = r"[1-9][0-9]*"


class ApiViewSet(GenericViewSet[Any]):
    """Checks a request in the contract's order: 401, 405, 406, 413, 415; the body comes after."""

    # Actions whose success writes a row that refers to the caller: it proves that they are registered.
    proven_by_writing: ClassVar[frozenset[str]] = frozenset()
    on_trust = False  # whether the caller is yet to be proven

    content_negotiation_class = JSONNegotiation
    lookup_value_regex = ID_PATTERN
    http_method_names = ["get", "head", "post"]
    format_kwarg = None

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:
        """Run the checks. Raises the first that fails."""
        self.perform_authentication(request)
        self.on_trust = self.action in self.proven_by_writing
        self.check_permissions(request)
        if (request.method or "").lower() not in self.action_map:
            self.http_method_not_allowed(request)
        renderer, media_type = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = renderer, media_type
        self.check_throttles(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            raise TooLarge
        require_readable(request)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a failure. A caller taken on trust is looked up first, for 401 comes before all others."""
        if self.on_trust and not (isinstance(exc, Problem) and exc.caller_is_registered):
            self.on_trust = False
            try:
                self.check_permissions(self.request)
            except (APIException, Error) as error:
                exc = error
        return super().handle_exception(exc)

    def validated(self, data: Any) -> dict[str, Any]:
        """The input as the action's serializer reads it. Raises ValidationError."""
        serializer: Any = self.get_serializer_class()
        return validated(serializer, data)

    def location(self, *, basename: str, pk: int) -> dict[str, str]:
        """The Location header of a new object."""
        return {"Location": reverse(f"{basename}-detail", kwargs={self.lookup_field: pk})}


class PublicViewSet(ApiViewSet):
    """An endpoint that asks nobody who they are, and ignores the headers that would say."""

    authentication_classes = ()
    permission_classes = ()
