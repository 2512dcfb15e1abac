"""The shop's URLs, and a view that does nothing: the cost of Django, DRF and the web server alone.

It stands among the API's paths, so that the same middleware is in its way.
"""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import urlpatterns as shop


class Noop(APIView):
    """A small JSON answer for anybody."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, _request: Request) -> Response:
        """Answer."""
        return Response({"ok": True})


urlpatterns = [path("api/v1/noop", Noop.as_view()), *shop]
