"""The admin site."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from backoffice import manual, search, sign_ins
from backoffice.base import NotOffered
from backoffice.forms import ThrottledLoginForm, ThrottledPasswordChangeForm

View = Callable[..., HttpResponse]


class ShopAdminSite(UnfoldAdminSite):
    """The shop's admin site."""

    login_form = ThrottledLoginForm
    index_title = _("Overview")

    def get_urls(self) -> list[URLPattern]:
        # No row has a page in the shop.
        django = [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]
        return [path("manual/", self.admin_view(self.manual), name="manual"), *django]

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 - Django's signature
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except NotOffered as error:
                messages.error(request, gettext("The list has no such filter or value. It shows everything."))
                return HttpResponseRedirect(f"{error}?{ERROR_FLAG}=1")

        wrapped: View = super().admin_view(answer, cacheable)
        return wrapped

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().login(request, extra_context)
        if request.method == "POST" and isinstance(response, HttpResponseRedirect):
            sign_ins.remember_browser(response, account=cast("User", request.user))
        return response

    @method_decorator(never_cache)
    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=partial(ThrottledPasswordChangeForm, request=request),
            success_url=reverse(f"{self.name}:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        response = cast("HttpResponse", view(request))
        if isinstance(response, HttpResponseRedirect):
            # The new password has ended what the browser was known by.
            sign_ins.remember_browser(response, account=cast("User", request.user))
        return response

    def autocomplete_view(self, _request: HttpRequest) -> HttpResponse:
        # No page uses autocompletion.
        raise Http404

    def manual(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.each_context(request),
            "title": gettext("Manual"),
            "manual": manual.manual(language=get_language() or settings.LANGUAGE_CODE),
        }
        return TemplateResponse(request, "backoffice/manual.html", context)

    def search(self, request: HttpRequest, _extra_context: dict[str, Any] | None = None) -> HttpResponse:
        words = request.GET.get("s", "").strip()
        groups = search.find(self, request, words)
        rows = [(group.title, text, url) for group in groups for text, url in group.rows]
        # Unfold's palette (Ctrl-K) asks this: its own search puts model objects into the cache, which holds
        # only JSON.
        if "extended" in request.GET:
            found = [
                {"title": text, "description": kind, "link": url, "icon": "tag"} for kind, text, url in rows
            ]
            context = {
                "results": found,
                "page_obj": {"count": len(rows)},
                "page_counter": 0,
                "execution_time": 0,
            }
            template = "unfold/helpers/command_results.html"
            return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})
        if len(rows) == 1:
            return HttpResponseRedirect(rows[0][2])
        context = {**self.each_context(request), "title": gettext("Search"), "words": words, "groups": groups}
        return TemplateResponse(request, "backoffice/search.html", context)
