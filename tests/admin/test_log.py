"""The log's list: found by person, kind, row, field and day, however long it is."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django.utils import timezone

from backoffice import action_log
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from tests.kit.backoffice import page_of
from tests.kit.database import execute
from tests.kit.plans import looked_at, runs

pytestmark = pytest.mark.django_db

LOG = reverse("admin:admin_logentry_changelist")
# Entries of a long time ago that each filter finds among MANY others.
MANY, FEW = 30_000, 20
FILL = """
INSERT INTO django_admin_log
    (action_time, user_id, content_type_id, action_flag, object_id, object_repr, change_message)
SELECT now() - n * interval '1 minute', %s, %s, 2, n::text, 'product ' || n,
    '[{"changes": {"model": "products.product", "fields": [{"field": "price", "old": 1, "new": 2}]}}]'
FROM generate_series(1, %s) AS n
"""


def found(browser, **query):
    return list(browser.get(LOG, query).context["cl"].result_list)


@pytest.fixture
def anna(db):
    return User.objects.create_user("anna", is_staff=True, last_name="김")


@pytest.fixture
def entries(admin_user, anna):
    """One of anna's about a campaign, and two of the superuser's about a product."""
    product, coupon = ProductFactory(name="제주 라떼"), Coupon(pk=5, name="봄 쿠폰", discount_type="fixed")
    opened = [(coupon, [action_log.changes(coupon, {"quantity": 1}, {"quantity": 2})])]
    action_log.log_rows(staff_id=anna.pk, rows=opened)
    for field in ("price", "name"):
        changed = [(product, [action_log.changes(product, {field: 1}, {field: 2})])]
        action_log.log_rows(staff_id=admin_user.pk, rows=changed)
    return [*LogEntry.objects.order_by("pk")]


def test_list_shows_the_newest_first_with_what_changed(admin_client, entries):
    assert found(admin_client) == entries[::-1]
    assert "수량: 1장 → 2장" in admin_client.get(LOG).content.decode()


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ({"kind": "coupons.coupon"}, [0]),
        ({"field": "products.product.price"}, [1]),
        ({"field": "products.product.name", "kind": "products.product"}, [2]),
        ({"field": "products.product.name", "kind": "coupons.coupon"}, []),
        ({"field": "coupons.coupon.name"}, []),
        ({"q": "제주"}, [2, 1]),
        ({"q": "ann"}, [0]),
        ({"q": "김"}, [0]),
        ({"q": "#5"}, [0]),
        ({"q": "없는 이름"}, []),
        ({"action_time_from": "2026-01-01"}, [2, 1, 0]),
        ({"action_time_to": "2026-01-01"}, []),
    ],
)
def test_entries_are_found_by_kind_field_name_and_day(admin_client, entries, query, which):
    assert found(admin_client, **query) == [entries[each] for each in which]


def test_log_is_searched_by_staff_account(admin_client, entries, anna):
    assert found(admin_client, staff=anna.pk) == entries[:1]
    assert [entry.user_id for entry in found(admin_client, staff=entries[1].user_id)] == [
        entries[1].user_id
    ] * 2


@pytest.mark.parametrize("query", [{"staff": "x"}, {"staff": "999999"}, {"kind": "x"}, {"field": "x.y.z"}])
def test_value_that_no_filter_offers_shows_everything_and_says_so(admin_client, entries, query):
    answer = admin_client.get(LOG, query, follow=True)
    assert (answer.status_code, len(answer.context["cl"].result_list)) == (200, 3)


def test_history_leads_to_the_log_of_that_row(admin_client, entries):
    product = Product.objects.get()
    url = admin_client.get(page_of(product, "history")).context["log_url"]
    assert [*admin_client.get(url).context["cl"].result_list] == entries[:0:-1]


def test_entry_of_a_deleted_row_links_to_its_log(admin_client):
    product = ProductFactory()
    admin_client.post(page_of(product, "delete"), {"post": "yes"})
    kind = ContentType.objects.get_for_model(Product).pk
    url = action_log.url_of(kind_id=kind, row_id=product.pk)
    assert url.replace("&", "&amp;") in admin_client.get(LOG).content.decode()
    assert len(admin_client.get(url).context["cl"].result_list) == 1


@pytest.mark.parametrize("text", [r"\u0000", r"\ud83d", r"\"field\": \"price\""])
def test_text_that_jsonb_refuses_or_that_looks_like_a_field_is_logged_all_the_same(
    admin_client, entries, text
):
    message = f'[{{"detail": {{"text": "{text}", "values": {{}}}}}}]'
    about = {"user": entries[1].user, "content_type": entries[1].content_type, "object_repr": "x"}
    LogEntry.objects.create(**about, action_flag=2, change_message=message)
    assert found(admin_client, field="products.product.price") == [entries[1]]


@pytest.fixture
def long_log(entries, admin_user):
    """MANY newer entries about other products, of one account."""
    kind = ContentType.objects.get_for_model(Product).pk
    LogEntry.objects.update(action_time=timezone.now() - timedelta(days=100))
    execute(FILL, admin_user.pk, kind, MANY)
    execute("ANALYZE django_admin_log")
    return entries


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"kind": "coupons.coupon"},
        {"field": "products.product.name"},
        {"q": "제주"},
        {"q": "ann"},
        {"q": "5"},
        {"staff": "anna"},
        {"action_time_to": "2026-08-31"},
        {"row": "5"},
    ],
)
def test_page_of_a_long_log_reads_only_the_entries_that_it_shows(admin_client, long_log, anna, query):
    if "staff" in query:
        query = {"staff": anna.pk}
    if "row" in query:
        query = {"content_type__id__exact": long_log[0].content_type_id, "object_id__exact": "5"}
    seen = runs(lambda: admin_client.get(LOG, query))
    of_pages = [run for run in seen if run.of("django_admin_log") and "count(" not in run.sql.lower()]
    assert of_pages
    assert [run.sql for run in of_pages for step in run.of("django_admin_log") if looked_at(step) > 200] == []


def test_history_of_a_row_in_a_long_log_reads_its_own_entries(admin_client, long_log):
    url = page_of(Product.objects.get(), "history")
    seen = [step for run in runs(lambda: admin_client.get(url)) for step in run.of("django_admin_log")]
    assert seen
    assert max(looked_at(step) for step in seen) <= FEW
