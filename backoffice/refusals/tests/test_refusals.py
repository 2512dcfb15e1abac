"""What was refused is kept beside the requests, found by whoever is asked why, and forgotten in time."""

import json
import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User as StaffAccount
from django.db import transaction
from django.test import Client as Browser
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from backoffice.refusals.exports import with_details
from backoffice.refusals.models import Refusal
from backoffice.refusals.recording import LISTED, record_refusals
from backoffice.refusals.tasks import BATCH, KEPT, forget_old
from core.http.handler import problem_response
from core.problems import NotRegistered
from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.backoffice import page_of
from tests.kit.client import Answer, Client
from tests.kit.database import broken, execute, lock_waiters
from tests.kit.files import fetch, rows_of
from tests.kit.processes import until
from tests.kit.scenes import at_once, buyer
from users.factories import UserFactory


def kept(*answers: Answer) -> list[Refusal]:
    """What is kept of these answers, once all of it is; what earlier tests were refused comes in between."""
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    rows = Refusal.objects.filter(request_id__in=ids).order_by("pk")
    until(lambda: rows.count() == len(ids))
    return list(rows)


def refusal(**values: object) -> Refusal:
    """One of this test's; those of earlier tests may still be written beside it."""
    given = {
        "refused_at": timezone.now(),
        "request": "POST /api/v1/orders",
        "status": 409,
        "code": "out_of_stock",
    }
    return Refusal.objects.create(**{**given, **values})


def test_refused_order_is_kept_with_its_member_reason_and_request_id(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=1)
    answer = http.order(user, {product.pk: 2})
    (row,) = kept(answer)
    assert (row.user_id, row.request, row.status, row.code) == (
        user.pk,
        "POST /api/v1/orders",
        409,
        "out_of_stock",
    )
    assert row.extension_members == {"shortages": answer.json["shortages"]}
    assert row.request_id == answer.headers["X-Request-Id"]
    assert row.times == 1


def test_request_of_nobody_is_kept_by_the_number_it_named(http: Client) -> None:
    known, unknown = http.get("points", user=4_000_000_000_000), http.get("points", user="9" * 30)
    assert (known.status, unknown.status) == (401, 401)
    assert [row.user_id for row in kept(known, unknown)] == [4_000_000_000_000, None]


def test_log_of_a_refusal_has_its_code_and_member(http: Client, logs: Path) -> None:
    answer = http.get("points", user=4_000_000_000_000)
    log, asked = logs / "web.log", answer.headers["X-Request-Id"].encode()
    until(lambda: asked in log.read_bytes())
    (line,) = [json.loads(each) for each in log.read_bytes().splitlines() if asked in each]
    assert (line["code"], line["member"]) == ("not_registered", 4_000_000_000_000)


def test_request_that_succeeded_or_is_400_or_404_is_not_recorded(http: Client) -> None:
    user = buyer(http)
    answers = [
        http.get("products/1"),
        http.post("points/charges", {"amount": 0}, user=user),
        http.post("points/charges", {"amount": 1}, user=user),
    ]
    assert [answer.status for answer in answers] == [404, 400, 201]
    kept(http.get("points", user=user.pk + 1))  # those before it would have come with it
    assert not Refusal.objects.filter(request_id__in=[each.headers["X-Request-Id"] for each in answers])


def test_rush_is_listed_up_to_a_bound_and_then_counted(http: Client) -> None:
    user, coupon = UserFactory(), CouponFactory()
    assert http.post(f"coupons/{coupon.pk}/issue", user=user).status == 201
    asked = 8 * LISTED
    for answer in at_once([lambda: http.post(f"coupons/{coupon.pk}/issue", user=user)] * asked):
        assert answer.code == "coupon_already_issued"
    rows = Refusal.objects.filter(request=f"POST /api/v1/coupons/{coupon.pk}/issue")
    until(lambda: sum(rows.values_list("times", flat=True)) == asked)
    assert rows.count() < asked
    for row in rows.filter(times__gt=1):
        assert (row.user_id, row.request_id, row.extension_members) == (None, "", {})


def test_refusal_is_answered_while_its_table_is_locked_and_written_after(http: Client) -> None:
    with transaction.atomic():
        execute("LOCK TABLE refusals_refusal IN SHARE MODE")
        answers = [http.get("points", user=1)]
        until(lock_waiters)
        answers.append(http.get("points", user=1))
    assert [row.status for row in kept(*answers)] == [401, 401]


def test_web_that_is_stopped_keeps_what_it_refused_a_moment_before(
    transactional_db: None, tmp_path: Path
) -> None:
    with processes.web(log=tmp_path / "web.log") as url:
        answer = Client(url).get("points", user=1)
    assert Refusal.objects.get(request_id=answer.headers["X-Request-Id"]).status == 401


def test_refusals_that_cannot_be_kept_are_counted_and_later_ones_kept(http: Client) -> None:
    before = lost(http)
    with broken("ALTER TABLE refusals_refusal RENAME TO away", "ALTER TABLE away RENAME TO refusals_refusal"):
        assert http.get("points", user=1).status == 401
        until(lambda: lost(http) > before)
    assert [row.user_id for row in kept(http.get("points", user=2))] == [2]


def test_refusal_is_answered_where_no_thread_is_to_be_had_and_kept_once_there_is_one(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ask = record_refusals(lambda request: problem_response(request, NotRegistered()))
    request = RequestFactory().get("/api/asked/twice")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        assert ask(request).status_code == 401
    ask(request)
    until(lambda: Refusal.objects.filter(request="GET /api/asked/twice").count() == 2)


def lost(http: Client) -> float:
    found = re.search(rb"(?m)^shop_refusals_lost_total (.*)$", http.get("/metrics").body)
    return float(found[1]) if found else 0


def test_search_finds_a_refusal_by_request_id_and_by_member(admin_client: Browser) -> None:
    refusal(user_id=17, request_id="abc")
    refusal(user_id=18, request_id="other-one")
    url = reverse("admin:refusals_refusal_changelist")
    for words in ("abc", "17"):
        page = admin_client.get(url, {"q": words}, headers={"accept-language": "ko"}).content.decode()
        assert "재고가" in page
        assert "abc" in page
        assert "other-one" not in page


def test_member_s_page_leads_to_their_refusals(admin_client: Browser) -> None:
    user = UserFactory()
    refusal(user_id=user.pk, request_id="theirs")
    refusal(user_id=user.pk + 1, request_id="another-s")
    link = f"{reverse('admin:refusals_refusal_changelist')}?user_id={user.pk}"
    assert link in admin_client.get(reverse("admin:users_user_change", args=[user.pk])).content.decode()
    page = admin_client.get(link).content.decode()
    assert "theirs" in page
    assert "another-s" not in page


def test_forget_old_keeps_two_weeks(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.refusals.tasks.BATCH", 2)
    assert BATCH > 2
    young = refusal(refused_at=timezone.now() - KEPT + timedelta(minutes=1), request_id="own")
    for _ in range(5):
        refusal(refused_at=timezone.now() - KEPT - timedelta(minutes=1), request_id="own")
    forget_old()
    assert list(Refusal.objects.filter(request_id="own")) == [young]


def test_forget_old_keeps_so_many_of_the_newest(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.refusals.tasks.BATCH", 2)
    monkeypatch.setattr("backoffice.refusals.tasks.MAX_ROWS", 3)
    newest = 10**12  # above the keys of what earlier tests were refused
    rows = [refusal(pk=newest + number) for number in range(8)]
    forget_old()
    assert list(Refusal.objects.filter(pk__gte=newest).order_by("pk")) == rows[-3:]


def exported_row(admin: Browser, request_id: str) -> tuple[list, list]:
    """The headings, and the row of this request."""
    head, *rows = rows_of(fetch(admin, "refusals_refusal", "csv"))
    (row,) = [each for each in rows if request_id in each]
    return head, row


@pytest.mark.django_db(transaction=True)
def test_refusals_are_exported_by_staff_who_may(admin_client: Browser, client: Browser) -> None:
    refusal(user_id=17, extension_members={"product_ids": [3]}, request_id="checkout-2f61")
    head, row = exported_row(admin_client, "checkout-2f61")
    assert (head[0], row[2]) == ("거절 번호", "17")
    assert {"out_of_stock", '{"product_ids": [3]}', "checkout-2f61"} <= set(row)
    client.force_login(StaffAccount.objects.create_user("nobody", is_staff=True))
    assert client.post("/admin/refusals/refusal/export/", {"format": "0"}).status_code == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("details", "shown"),
    [
        ('{"stock": 3, "name": "라떼"}', 'name: "라떼", stock: 3'),
        ("{}", "-"),
        ("5", "5"),
        ("null", "null"),
        ('{"stock": 1e130000}', '{"stock": 10000'),
        ("[" * 3_000 + "]" * 3_000, "[" * 999 + "…"),
    ],
    ids=["object", "empty", "number", "null", "digits", "nested"],
)
def test_details_of_any_form_are_shown_and_exported(admin_client: Browser, details: str, shown: str) -> None:
    member = UserFactory()
    row = refusal(user_id=member.pk, request_id="checkout-2f61")
    execute("UPDATE refusals_refusal SET extension_members = %s::jsonb WHERE id = %s", details, row.pk)
    for page in (reverse("admin:refusals_refusal_changelist"), page_of(row)):
        assert f">{escape(shown)}" in admin_client.get(page).content.decode()
    for page in (page_of(member), "/admin/search/?s=checkout-2f61"):
        assert admin_client.get(page, follow=True).status_code == 200
    stored = with_details(Refusal.objects.filter(pk=row.pk)).values_list("details", flat=True).get()
    assert stored.strip("{}") in exported_row(admin_client, "checkout-2f61")[1][6]
