"""The search box of every page: a number, a name or a request id leads to its row, or to a list of kinds."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffAccount
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice import search
from backoffice.refusals.models import Refusal
from coupons.models import Coupon
from orders.models import Order, OrderEvent
from products.factories import ProductFactory
from products.models import Product
from tests.kit.backoffice import buy, page_of
from tests.kit.database import execute
from users.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

SEARCH = reverse("admin:search")
ODD = [
    "\0",
    "1\0",
    "\ud800",
    "%",
    "_",
    "'",
    "9" * 40,
    "9" * 5000,
    "-1",
    "#",
    "##",
    ",",
    "<script>",
    "１",
    " ",
]


@pytest.fixture
def order(transactional_db):
    """The order number 12345, of a member, a product and a campaign whose numbers are others."""
    buy(name="김동현")
    Order.objects.update(idempotency_key=None)
    execute("ALTER SEQUENCE orders_order_id_seq RESTART WITH 12345")
    buy(name="이서연")
    return Order.objects.get(pk=12345)


def find(browser, words):
    return browser.get(SEARCH, {"s": words})


def found(answer):
    """The texts that a list of results shows, by their kind."""
    return {group.title: [text for text, _url in group.rows] for group in answer.context["groups"]}


@pytest.mark.parametrize("words", ["12345", "12,345", "#12345", "#12,345", " 12345 "])
def test_number_of_an_order_leads_to_it(admin_client, order, words):
    assert find(admin_client, words).url == page_of(order)


def test_number_that_several_have_lists_them_by_kind(admin_client, order):
    member = User.objects.create(pk=12345, name="김동현")
    product = Product.objects.create(pk=12345, name="라떼", price=1, stock=1)
    assert found(find(admin_client, "12345")) == {
        "주문": ["#12345"],
        "회원": ["김동현 (12345)"],
        "상품": ["라떼 (12345)"],
    }
    page = find(admin_client, "12,345").content.decode()
    assert all(f'href="{page_of(row)}"' in page for row in (order, member, product))
    assert find(admin_client, "#12345").url == page_of(order), "only an order has its number with a #"


def test_name_leads_to_the_member_the_product_or_the_campaign(admin_client, order):
    assert find(admin_client, "김동현").url == page_of(User.objects.get(name="김동현"))
    named = Coupon.objects.first()
    Coupon.objects.filter(pk=named.pk).update(name="여름 할인")
    assert find(admin_client, "여름").url == page_of(named)
    assert find(admin_client, "기 라").context["groups"] == []
    sold = ProductFactory(name="딸기 라떼")
    assert find(admin_client, "기 라").url == page_of(sold)


def test_name_of_many_lists_some_and_leads_to_all(admin_client):
    UserFactory.create_batch(search.MAX_ROWS + 1, name="박지훈")
    answer = find(admin_client, "박지")
    assert len(found(answer)["회원"]) == search.MAX_ROWS
    (rest,) = re.findall(r'href="(/admin/users/user/\?q=[^"]+)"', answer.content.decode())
    assert admin_client.get(rest).context["cl"].result_count == search.MAX_ROWS + 1


def test_request_id_leads_to_the_refusal_and_to_the_event(admin_client, order):
    OrderEvent.objects.filter(order=order).update(request_id="checkout-2f61")
    assert find(admin_client, "checkout-2f61").url == page_of(order.event)
    refusal = Refusal.objects.create(
        refused_at=timezone.now(),
        request="POST /api/v1/orders",
        status=409,
        code="x",
        request_id="checkout-2f61",
    )
    assert set(found(find(admin_client, "checkout-2f61"))) == {"거절된 요청", "주문 이벤트"}
    OrderEvent.objects.update(request_id="")
    assert find(admin_client, "checkout-2f61").url == page_of(refusal)


def test_page_is_found_by_its_name(admin_client):
    assert find(admin_client, "포인트 잔액").url == reverse("admin:points_pointaccount_changelist")


def test_search_finds_what_the_account_may_see_and_no_more(client, order):
    account = StaffAccount.objects.create_user("packer", is_staff=True)
    client.force_login(account)
    product = ProductFactory(name="이서연 선물 세트")
    assert find(client, "이서연").context["groups"] == []
    account.user_permissions.add(Permission.objects.get(codename="view_product"))
    assert find(client, "이서연").url == page_of(product)
    assert find(client, "12345").context["groups"] == []
    client.logout()
    assert "/login/" in find(client, "12345").url


@pytest.mark.parametrize("words", ODD)
@pytest.mark.parametrize("more", [{}, {"extended": "1"}])
def test_search_takes_any_text(admin_client, order, words, more):
    encoded = words.encode("utf-8", "surrogatepass")
    assert admin_client.get(SEARCH, {"s": encoded, **more}).status_code in {200, 302}


def test_palette_finds_the_same(admin_client, order):
    answer = admin_client.get(SEARCH, {"s": "이서연", "extended": "1"})
    assert page_of(order.user) in answer.content.decode()


def test_search_box_is_on_every_page_except_the_login(admin_client, client, order):
    urls = [reverse("admin:index"), reverse("admin:password_change"), SEARCH, page_of(order)]
    urls += [reverse(f"admin:{model._meta.db_table}_changelist") for model in (Order, Product, User, Refusal)]
    for url in urls:
        assert admin_client.get(url).content.decode().count(f'action="{SEARCH}"') == 1, url
    client.logout()
    assert SEARCH not in client.get(reverse("admin:login")).content.decode()


def test_search_reads_a_bound_of_each_kind_by_one_statement(admin_client, order):
    UserFactory.create_batch(3 * search.MAX_ROWS, name="정민준")
    with CaptureQueriesContext(connection) as queries:
        find(admin_client, "정민준")
    for table in ("orders_orderevent", "refusals_refusal", "products_product", "users_user"):
        (sent,) = [query["sql"] for query in queries if f'FROM "{table}"' in query["sql"]]
        assert f"LIMIT {search.MAX_ROWS + 1}" in sent
