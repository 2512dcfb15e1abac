"""Where the OpenAPI document is served."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class SchemaView(SpectacularAPIView):
    """The document, rendered once in each process: that takes long, and it is the same for everybody."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *_args: Any, **_kwargs: Any) -> HttpResponse:
        renderer: Any = request.accepted_renderer
        kind: Any = type(renderer)
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        disposition = f'inline; filename="{self._get_filename(request, "")}"'  # type: ignore[no-untyped-call]
        return HttpResponse(
            _rendered(kind),
            content_type=f"{renderer.media_type}{charset}",
            headers={"Content-Disposition": disposition},
        )


@cache
def _rendered(renderer: type[BaseRenderer]) -> Any:
    return renderer().render(_document())


@cache
def _document() -> Any:
    return SchemaView.generator_class().get_schema(request=None, public=True)
