"""One voice on every page of every role: 해요체 in Korean, English in English, and nothing of the other."""

import re

import pytest
from django.contrib.auth.models import User as StaffAccount
from django.test import override_settings
from django.urls import reverse
from django.utils import translation

from backoffice.particles import fit_particles
from core.problems import problem_types
from coupons.models import Coupon, IssuedCoupon
from orders.models import OrderItem
from products.factories import ProductFactory
from products.models import Product
from tests.admin.catalogues import DJANGO_IN_USE, LANGUAGES, UNFOLD_IN_USE, po, texts
from tests.admin.walk import Walk
from tests.kit.voice import AFTER_VALUE, faults, said_by, second_voice
from users.models import User

ROLES = ["superuser", "viewer", "merchandiser", "operator"]
# Members have names of their own for what Django calls a user.
USERS = {"ko": r"사용자|(?i:\buser)", "en": r"\b[Uu]sers?\b"}


@pytest.fixture
def walk(bought, staff_of, client, request):
    """Somebody of the staff, in a shop whose rows have names in the reader's language."""
    role, language = request.param
    name = {"ko": "김하나", "en": "Kim"}[language]
    for model in (Product, Coupon, IssuedCoupon, User):
        model.objects.update(name=name)
    OrderItem.objects.update(product_name=name)
    if role == "superuser":
        client.force_login(StaffAccount.objects.create_superuser("1"))
    else:
        staff_of(role)
    return Walk(client, language)


@pytest.mark.long
@pytest.mark.parametrize("walk", [(role, each) for role in ROLES for each in LANGUAGES], indirect=True)
def test_pages_have_one_voice_and_no_word_of_another_language(walk):
    found, opened = {}, 0
    for where, page in walk.steps():
        opened += 1
        text = said_by(page)
        for problem in problem_types().values():  # as clients are told
            text = text.replace(problem.title.in_language(walk.language), "")
        if said := faults(text, walk.language) | set(re.findall(USERS[walk.language], text)):
            found[where] = said
    assert found == {}
    assert opened > 100


@pytest.mark.parametrize("walk", [("superuser", "ko")], indirect=True)
def test_voice_of_django_alone_is_noticed(walk):
    with override_settings(LOCALE_PATHS=[]):
        found = faults(said_by(walk.post(reverse("admin:products_product_add"), {})), "ko")
        lists = faults(said_by(walk.get(reverse("admin:orders_order_changelist"))), "ko")
    assert any("필수 항목입니다" in each for each in found)
    assert any("Orders" in each for each in lists)


@pytest.mark.parametrize(
    "text",
    [
        "저장되었습니다.",
        "삭제하시겠습니까?",
        "확인하십시오",
        "입력하세요",
        "상품을/를",
        "라떼을 담아요",
        "쿠폰를 받아요",
        "라떼이(가)",
    ],
)
def test_other_voice_and_broken_particle_are_noticed(text):
    assert faults(text, "ko")


def test_untranslated_label_is_noticed():
    assert faults('저장 <input placeholder="Reason">', "ko")
    assert faults("Save 저장", "en")
    assert not faults("이벤트 0190d2f0-aaaa-7bcd-8eee-0123456789ab을 CSV로 저장했어요.", "ko")


@pytest.mark.parametrize("places", [DJANGO_IN_USE, UNFOLD_IN_USE], ids=["django", "unfold"])
def test_texts_of_libraries_are_said_in_the_voice_of_the_shop(places):
    found = texts(*places)
    assert len(found) > 100
    with translation.override("ko"):
        korean = {text: translation.gettext(text) + translation.ngettext(text, text, 1) for text in found}
    # Values stand for themselves in a template, so that only what a page can mend is a pair.
    assert {text: said for text, said in korean.items() if set(second_voice(fit_particles(said)))} == {}


def test_texts_of_scripts_are_said_in_the_voice_of_the_shop(admin_client):
    script = admin_client.get(reverse("admin:jsi18n"), headers={"Accept-Language": "ko"}).content.decode()
    said = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), script)
    assert "건 중" in said
    assert set(second_voice(said)) == set()


def test_no_particle_follows_a_value_whose_last_sound_is_unknown():
    korean = {message.id: message.string for message in po("ko") if message.id}
    broken = {each for each in map(str, korean.values()) if AFTER_VALUE.search(each)}
    assert broken == set()
    assert AFTER_VALUE.search("“%(name)s”을 삭제할까요?")
    assert AFTER_VALUE.search("{name}가 바뀌었어요")


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("라떼을(를)", "라떼를"),
        ("쿠폰이(가)", "쿠폰이"),
        ("‘쿠폰 20’은(는)", "‘쿠폰 20’은"),
        ("12은(는)", "12는"),
        ('<a href="/쿠폰">라떼</a>&quot;이(가)', '<a href="/쿠폰">라떼</a>&quot;가'),
        ("Salmon을(를) Latte을(를)", "Salmon을 Latte를"),
        ("을(를)", "을(를)"),
    ],
)
def test_particle_fits_the_word_before_it(text, fitting):
    assert fit_particles(text) == fitting


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "way_back"), [("ko", "한눈에 보기"), ("en", "Overview")])
def test_refusals_look_like_the_shop_and_lead_back(client, staff_of, language, way_back):
    walk = Walk(staff_of("viewer"), language)
    for where, page in walk.refused():
        assert f'<html lang="{language}">' in page, where
        assert f'<a href="{reverse("admin:index")}">{way_back}</a>' in page, where
        assert "<h1>" in page, where


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("changelist", "상품 | pointshop 관리"),
        ("add", "상품 추가 | pointshop 관리"),
        ("change", "상품 라떼 (%d) | pointshop 관리"),
    ],
)
def test_title_says_what_is_shown_first(admin_client, page, title):
    product = ProductFactory(name="라떼")
    arguments = [product.pk] if page == "change" else []
    shown = admin_client.get(reverse(f"admin:products_product_{page}", args=arguments)).content.decode()
    assert " ".join(re.search("<title>(.*?)</title>", shown, re.DOTALL)[1].split()) == title % (*arguments,)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("orders_order", "아직 주문이 없어요."),
        ("products_product", "아직 상품이 없어요."),
        ("orders_orderevent", "아직 주문 이벤트가 없어요."),
    ],
)
def test_empty_list_says_so_and_offers_to_reset_only_filters_that_are_set(admin_client, table, said):
    url = reverse(f"admin:{table}_changelist")
    page = admin_client.get(url).content.decode()
    assert said in page
    assert "필터 초기화" not in page
    searched = admin_client.get(f"{url}?q=0").content.decode()
    assert said.replace("아직", "조건에 맞는") in searched
    assert "필터 초기화" in searched


@pytest.mark.django_db
def test_saving_deleting_and_an_unknown_row_are_told_in_one_voice(admin_client):
    walk = Walk(admin_client, "ko")
    fields = {"name": "라떼", "price": 10, "stock": 1}
    assert "상품을 등록했어요:" in walk.post(reverse("admin:products_product_add"), fields)
    (product,) = Product.objects.all()
    url = reverse("admin:products_product_delete", args=[product.pk])
    assert f"상품 ‘{product}’" in walk.get(url)
    assert f"상품을 삭제했어요: {product}" in walk.post(url, {"post": "yes"})
    gone = walk.get(reverse("admin:products_product_change", args=[999999]))
    assert "999999번 상품이 없어요. 삭제됐는지 확인해 주세요." in gone
