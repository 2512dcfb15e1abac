"""The manual in the admin: in the reader's language, for whoever signs in, and in the words of the pages."""

import re
from functools import cache
from html import unescape

import pytest
from django.conf import settings
from django.contrib.admin.sites import site
from django.contrib.staticfiles import finders
from django.urls import reverse
from django.utils import translation

from backoffice.manual import manual
from tests.admin.catalogues import DJANGO_IN_USE, LANGUAGES, UNFOLD_IN_USE, po, texts
from tests.kit.compose import is_copied
from tests.kit.processes import ROOT

TITLES = {"ko": "사용 설명서", "en": "Manual"}


def text_of(language):
    return (settings.MANUALS[language] / "admin.md").read_text()


def labels(text):
    """What the text says in bold, which is what a page calls something."""
    return {" ".join(each.split()) for each in re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL)}


@cache
def marked():
    """What is marked for translation, by us and by what the admin is made of."""
    ours = {str(each) for message in po("ko") if message.id for each in _forms(message.id)}
    return ours | texts(*DJANGO_IN_USE, *UNFOLD_IN_USE)


def unknown(language, text):
    """The labels of the text that no page of the admin has in the language."""
    with translation.override(language):
        known = {translation.gettext(each) for each in marked()}
        known |= {translation.gettext("Add %s") % model._meta.verbose_name for model in site._registry}
    known = {each.rstrip(":").casefold() for each in known}
    return {each for each in labels(text) if each.casefold() not in known}


def _forms(message_id):
    return message_id if isinstance(message_id, (list, tuple)) else [message_id]


@pytest.mark.parametrize("language", LANGUAGES)
def test_manual_calls_things_what_the_pages_call_them(language):
    assert len(labels(text_of(language))) > 50
    assert unknown(language, text_of(language)) == set()


@pytest.mark.parametrize(
    ("language", "wrong"), [("ko", "**저장하세요**"), ("en", "**Save now**"), ("ko", "**Save**")]
)
def test_label_that_no_page_has_would_be_noticed(language, wrong):
    assert unknown(language, text_of(language) + wrong) == labels(wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ["viewer", "merchandiser", "operator"])
def test_manual_is_shown_to_every_role_in_its_language(staff_of, role, language):
    answer = staff_of(role).get(reverse("admin:manual"), headers={"Accept-Language": language})
    page = unescape(answer.content.decode())
    assert "<h1" in page
    assert TITLES[language] in page
    jobs = re.findall(r"(?m)^## (.+)$", text_of(language))
    assert re.findall(r'<h2 id="job-\d+">(.+?)</h2>', page) == jobs
    assert re.findall(r'<a href="#job-\d+"[^>]*>(.+?)</a>', page) == jobs
    assert "**" not in page


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_account_menu_of_every_page_leads_to_the_manual(staff_of, language):
    browser = staff_of("viewer")
    for name in ("index", "products_product_changelist", "manual"):
        page = browser.get(reverse(f"admin:{name}"), headers={"Accept-Language": language}).content.decode()
        assert re.search(rf'href="{reverse("admin:manual")}"[^>]*>\s*{TITLES[language]}\s*<', page), name


@pytest.mark.django_db
def test_account_menu_offers_another_password_only_to_who_has_one(admin_client, admin_user):
    def is_offered():
        admin_client.force_login(admin_user)
        page = admin_client.get(reverse("admin:index")).content.decode()
        return f'href="{reverse("admin:password_change")}"' in page

    admin_user.set_unusable_password()
    admin_user.save()
    assert not is_offered()
    admin_user.password = "a hash"
    admin_user.save()
    assert is_offered()


@pytest.mark.django_db
def test_manual_is_for_staff_alone(client, django_user_model):
    assert "/login/" in client.get(reverse("admin:manual")).url
    client.force_login(django_user_model.objects.create_user("member"))
    assert "/login/" in client.get(reverse("admin:manual")).url
    assert reverse("admin:manual") not in client.get(reverse("admin:login")).content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_job_has_a_light_picture_that_the_image_serves(language):
    html, folder = manual(language=language).html, settings.MANUALS[language]
    pictures = re.findall(r'<img src="([^"]+)" alt="[^"]+"', html)
    assert len(pictures) == len(manual(language=language).jobs)
    files = [finders.find(each.removeprefix(settings.STATIC_URL)) for each in pictures]
    assert sorted(files) == sorted(str(each) for each in (folder / "manual").iterdir())
    shipped = [folder / "admin.md", *(folder / "manual").iterdir()]
    assert all(is_copied(each.relative_to(ROOT)) for each in shipped)
    sizes = [each.stat().st_size for each in (folder / "manual").iterdir()]
    assert max(sizes) <= 250_000
    assert sum(sizes) <= 1_000_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/static/ko/manual/nothing.webp", "/static/ko/manual/../admin.md", "/admin/manual/first-page.webp"],
)
def test_picture_that_is_not_there_is_404(admin_client, path):
    assert admin_client.get(path).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_of_the_jobs_lead_nowhere_outside_the_page(language):
    assert re.findall(r'<a href="(?!#)', manual(language=language).html) == []
