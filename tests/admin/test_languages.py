"""Korean and English: the catalogues, and how each language writes amounts, times and names."""

import gettext
import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.html import strip_tags

from backoffice import formatting
from orders.models import Order, OrderEvent
from products.factories import ProductFactory
from tests.admin.catalogues import LANGUAGES, OURS, UNFOLD_IN_USE, mo, po, texts
from tests.kit.backoffice import page_of


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_messages_are_those_of_the_po_files(language):
    """After an edit: make messages"""
    edited = {}
    for message in po(language):
        singular = message.id if isinstance(message.id, str) else message.id[0]
        edited[singular] = message.string if isinstance(message.string, str) else message.string[0]
    with mo(language).open("rb") as file:
        read = gettext.GNUTranslations(file)._catalog
    compiled = {key[0] if isinstance(key, tuple) else key: text for key, text in read.items()}
    assert {**compiled, "": ""} == {**edited, "": ""}


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_complete_and_none_is_guessed_or_unused(language):
    catalogue = po(language)
    assert not [message.id for message in catalogue if message.fuzzy and message.id]
    assert not [message.id for message in catalogue if message.id and not all(texts_of(message))]
    assert not catalogue.obsolete


def texts_of(message):
    return (message.string,) if isinstance(message.string, str) else message.string


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_stands_in_a_catalogue_once(language):
    """Of two, one would be shown and the other edited."""
    written = re.findall(r"(?m)^msgid ", mo(language).with_suffix(".po").read_text())
    assert len(written) == len(po(language)) + 1  # the first one is the catalogue's own


@pytest.mark.parametrize("places", [OURS, UNFOLD_IN_USE], ids=["shop", "unfold"])
def test_marked_texts_all_have_a_korean_text(places):
    found = texts(*places)
    assert len(found) > 100
    with translation.override("ko"):
        # The gettext of an older Python, 3.11.2 for one, does not find a text that has plurals.
        missing = {
            text
            for text in found
            if not re.search("[가-힣]", translation.gettext(text) + translation.ngettext(text, text, 1))
        }
    assert missing <= {"%(class_name)s %(instance)s", " By %(filter_title)s "}  # nothing but names in them


@pytest.mark.parametrize(
    ("amount", "korean", "english"),
    [(12000, "12,000원", "₩12,000"), (0, "0원", "₩0"), (-4500, "-4,500원", "-₩4,500"), (None, "-", "-")],
)
def test_money_is_written_as_people_write_it(amount, korean, english):
    for language, text in (("ko", korean), ("en", english)):
        with translation.override(language):
            assert formatting.won(amount) == text


def test_timestamps_are_in_seoul_and_written_as_people_write_them():
    moment = datetime(2026, 11, 22, 10, 5, 7, tzinfo=UTC)
    for language, text in (("ko", "2026-11-22 19:05:07"), ("en", "22 Nov 2026, 19:05:07")):
        with translation.override(language):
            assert formatting.timestamp(moment) == text


def read(browser, url, language):
    """What people read on the page, with what their fields and buttons say; a `pre` is for machines."""
    page = browser.get(url, headers={"Accept-Language": language}, follow=True).content.decode()
    page = re.sub(r"<(script|style|pre).*?</\1>", " ", page, flags=re.DOTALL)
    titles = re.findall(r'(?:placeholder|title|aria-label)="([^"]*)"', page)
    return " ".join([strip_tags(page), *titles])


@pytest.mark.django_db
def test_language_is_switched_in_the_admin_and_stays(admin_client, bought):
    url = page_of(Order.objects.get())
    assert "결제" in admin_client.get(url).content.decode()
    answer = admin_client.post(reverse("set_language"), {"language": "en", "next": url})
    assert (answer.status_code, answer.url) == (302, url)
    page = admin_client.get(url, headers={"Accept-Language": "ko"}).content.decode()
    assert "Payment" in page
    assert "₩1,800" in page


@pytest.mark.django_db(transaction=True)  # the first page reads in a transaction of its own
def test_language_of_the_admin_does_not_reach_the_api(admin_client):
    before = admin_client.get("/api/v1/points").headers
    admin_client.post(reverse("set_language"), {"language": "en", "next": "/admin/"})
    admin_client.get("/admin/")
    answer = admin_client.get("/api/v1/points")
    assert answer.json()["title"] == "등록된 회원이 아니에요"
    assert {**answer.headers, "X-Request-Id": ""} == {**before, "X-Request-Id": ""}
    assert translation.get_language() == "ko"


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "text"), [("ko", "상품 삭제"), ("en", "Delete product")])
def test_button_that_deletes_names_what_in_the_reader_s_order(admin_client, language, text):
    assert text in read(admin_client, page_of(ProductFactory()), language)


@pytest.mark.django_db
def test_page_of_a_file_says_which_columns_it_needs(admin_client):
    said = re.sub(r"\s+", " ", read(admin_client, reverse("admin:products_product_import"), "ko"))
    for text in (
        "id: 선택",
        "(price): 필수 ",
        "(stock): 필수, 새 상품에만 쓰여요 ",
        "(units_sold): 바꾸지 않음",
    ):
        assert text in said


def heading(browser, url):
    """Where a page says that it stands."""
    (text,) = re.findall("<h1.*?</h1>", browser.get(url).content.decode(), flags=re.DOTALL)
    return strip_tags(text.replace("chevron_right", " › ")).split()


@pytest.mark.django_db
@pytest.mark.parametrize(("page", "name"), [("add", "추가"), ("import", "가져오기"), ("export", "내보내기")])
def test_breadcrumb_names_a_page_once(admin_client, page, name):
    assert heading(admin_client, reverse(f"admin:products_product_{page}")) == ["상품", "›", name]


@pytest.mark.django_db
def test_breadcrumb_names_a_row_as_everywhere(admin_client, bought):
    OrderEvent.objects.update(id="abcdef12-1234-4234-8234-123456789abc")
    event = OrderEvent.objects.get()
    assert heading(admin_client, page_of(event))[-1] == str(event)
