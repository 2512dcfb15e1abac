"""Which clients can be answered in JSON."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from core.problems import CONTENT_TYPE

# Who takes problem details takes JSON; successes come as `application/json` all the same.
READABLE = frozenset({"*/*", "application/*", "application/json", CONTENT_TYPE})


class JSONNegotiation(DefaultContentNegotiation):
    """JSON, in one form; parameters of Accept change nothing, but `q=0` refuses."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,  # noqa: ARG002 - DRF passes it
    ) -> Any:
        """The renderer and its media type. Raises NotAcceptable."""
        accept = request.META.get("HTTP_ACCEPT", "").strip()
        accepted = {f"{each.main_type}/{each.sub_type}" for each in request.accepted_types}
        if accept and READABLE.isdisjoint(accepted):
            raise NotAcceptable
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
