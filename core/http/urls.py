"""Pages and probes; the shop's endpoints are wired in config."""

from django.urls import path

from core.http import views

urlpatterns = [
    path("", views.index, name="index"),
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.prometheus, name="metrics"),
    path("problems", views.problem_list, name="problems"),
    path("problems/<slug:code>", views.problem_page, name="problem"),
]
