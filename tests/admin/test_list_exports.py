"""Exports of lists that are only read: what the list finds, as people read it, for whom it is meant."""

import gzip
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils.timezone import localdate

from backoffice import action_log
from backoffice.filters import day_ranges
from backoffice.formatting import won
from backoffice.spreadsheets import slots
from coupons.admin import STATUSES
from coupons.models import IssuedCoupon, status_of
from orders.models import Order, OrderEvent, OrderItem
from points.models import PointAccount, PointTransaction
from tests.kit.backoffice import buy, page_of
from tests.kit.database import execute
from tests.kit.files import fetch, rows_of

# Exports read in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)

ORDERS, EVENTS = "orders_order", "orders_orderevent"
LEDGER, BALANCES = "points_pointtransaction", "points_pointaccount"
ISSUED, LOG = "coupons_issuedcoupon", "admin_logentry"
LISTS = [ORDERS, EVENTS, LEDGER, BALANCES, ISSUED, LOG]
MIDNIGHT = datetime(2026, 11, 22, tzinfo=ZoneInfo("Asia/Seoul"))


def post(browser, table, query="", **fields):
    return browser.post(reverse(f"admin:{table}_export") + query, {"format": "0", **fields})


def name_of(answer):
    return answer["Content-Disposition"].partition("filename=")[2].strip('"')


def bought_at(moment, *, name="김하나"):
    buy(name=name)
    order = Order.objects.latest("pk")
    Order.objects.filter(pk=order.pk).update(ordered_at=moment)
    return order


def test_orders_are_a_row_each_with_won_as_numbers_and_seoul_s_time(admin_client, bought):
    order = Order.objects.select_related("issued_coupon").get()
    Order.objects.update(ordered_at=MIDNIGHT + timedelta(microseconds=5))
    head, row = rows_of(fetch(admin_client, ORDERS, "xlsx"))
    assert head == [
        *("주문 번호", "주문 시각", "회원 번호", "회원", "상품 금액", "할인", "결제 금액"),
        *("발급 쿠폰 번호", "사용한 쿠폰", "결제 후 잔액", "전송 상태", "전송 시각"),
    ]
    amounts = [order.subtotal, order.discount, order.total]
    coupon = [order.issued_coupon.pk, order.issued_coupon.name]
    member = [order.user_id, "김하나"]
    balance, moment = order.balance_after, MIDNIGHT.replace(tzinfo=None)
    assert row == [order.pk, moment, *member, *amounts, *coupon, balance, "대기", None]
    assert rows_of(fetch(admin_client, ORDERS, "csv"))[1][1] == "2026-11-22 00:00:00"


def test_orders_are_a_row_a_line_whose_amounts_add_up_to_the_subtotals(admin_client, bought):
    execute("INSERT INTO products_product (name, price, stock) VALUES ('=1+1', 500, 1)")
    execute(
        "INSERT INTO orders_orderitem (order_id, product_id, product_name, unit_price, quantity)"
        " SELECT o.id, p.id, p.name, 500, 3 FROM orders_order o, products_product p WHERE p.name = '=1+1'"
    )
    answer = post(admin_client, ORDERS, rows="1")
    head, *lines = rows_of(answer.getvalue())
    assert head[-4:] == ["상품명", "단가", "수량", "금액"]
    assert [line[-4:] for line in lines] == [
        [bought.name, "1000", "2", "2000"],
        ["'=1+1", "500", "3", "1500"],
    ]
    assert name_of(answer) == f"OrderItem-{localdate()}.csv"


def test_export_of_ledger_and_balances_equals_the_tables(admin_client, bought):
    entries = PointTransaction.objects.order_by("pk").values_list("pk", "amount", "balance_after", "order_id")
    _head, *ledger = rows_of(fetch(admin_client, LEDGER, "xlsx"))
    assert [(row[0], *row[5:]) for row in ledger] == [*entries]
    assert [row[4] for row in ledger] == ["충전", "결제"]
    account = PointAccount.objects.get()
    expected = [["회원 번호", "회원", "잔액"], [account.pk, "김하나", account.balance]]
    assert rows_of(fetch(admin_client, BALANCES, "xlsx")) == expected


def test_issued_coupons_have_the_status_that_the_api_tells(admin_client, bought):
    now, day = datetime.now(UTC), timedelta(days=1)
    for issued_at, expires_at in (
        (now - day, now + day),
        (now - 2 * day, now - day),
        (now + day, now + 2 * day),
    ):
        bought_at(now)
        newest = IssuedCoupon.objects.latest("pk")
        execute(
            "UPDATE coupons_issuedcoupon SET used_at = NULL, issued_at = %s, expires_at = %s WHERE id = %s",
            issued_at, expires_at, newest.pk,
        )  # fmt: skip
    expected = {each.pk: str(STATUSES[status_of(each, now=now)]) for each in IssuedCoupon.objects.all()}
    head, *rows = rows_of(fetch(admin_client, ISSUED, "xlsx"))
    assert {row[0]: row[head.index("상태")] for row in rows} == expected
    assert {*expected.values()} == {str(each) for each in STATUSES.values()}


def test_events_tell_when_they_are_due_only_while_they_are(admin_client, bought):
    buy()
    first, second = OrderEvent.objects.order_by("order_id")
    OrderEvent.objects.filter(pk=second.pk).update(state="dead", last_error="=HTTP\x0b 503", attempts=25)
    head, *rows = rows_of(fetch(admin_client, EVENTS, "csv"))
    shown = [dict(zip(head, row, strict=True)) for row in rows]
    assert [each["이벤트 ID"] for each in shown] == [str(first.pk), str(second.pk)]
    assert [bool(each["다음 시도"]) for each in shown] == [True, False]
    assert (shown[1]["마지막 오류"], shown[1]["시도 횟수"]) == ("'=HTTP\x0b 503", "25")


def test_export_of_the_log_has_the_texts_of_its_page(admin_client, bought):
    fetch(admin_client, ORDERS, "csv")
    entry = LogEntry.objects.get()
    (row,) = rows_of(fetch(admin_client, LOG, "csv"))[1:]
    assert row[2:] == ["admin", "변경", "주문", "", entry.object_repr, action_log.describe(entry)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("table", LISTS)
def test_every_list_is_exported_whole_in_either_language(admin_client, bought, table, kind):
    fetch(admin_client, ORDERS, "csv")  # an entry of the log
    korean, english = (rows_of(fetch(admin_client, table, kind, language=each)) for each in ("ko", "en"))
    model = apps.get_model(*table.split("_"))
    assert len(korean) - 1 == model.objects.count() - (2 if table == LOG else 0)  # those of these two exports
    assert not {*korean[0]} & {*english[0]}


@pytest.mark.parametrize(
    ("table", "query", "found"),
    [
        (ORDERS, "?ordered_at_from=2026-11-22&ordered_at_to=2026-11-22", 1),
        (ORDERS, "?ordered_at_to=2026-11-21", 1),
        (ORDERS, "?event__state__exact=dead", 0),
        (ORDERS, "?q=0", 0),
        (LEDGER, "?type__exact=charge", 2),
        (EVENTS, "?order__ordered_at_from=2026-11-22", 1),
        (ISSUED, "?status=usable", 0),
    ],
)
def test_export_has_the_rows_of_the_list(admin_client, transactional_db, table, query, found):
    bought_at(MIDNIGHT)
    bought_at(MIDNIGHT - timedelta(microseconds=1))
    assert len(rows_of(fetch(admin_client, table, "csv", query=query))) - 1 == found
    assert len(rows_of(fetch(admin_client, table, "csv"))) - 1 > found  # the list's filters do count


def test_lines_are_those_of_the_orders_that_the_list_finds(admin_client, transactional_db):
    bought_at(MIDNIGHT)
    other = bought_at(MIDNIGHT - timedelta(days=1))
    answer = post(admin_client, ORDERS, f"?q={other.pk}", rows="1")
    assert [row[0] for row in rows_of(answer.getvalue())[1:]] == [str(other.pk)]
    assert OrderItem.objects.count() == 2


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", "{today}"),
        ("?ordered_at_from=2026-11-16&ordered_at_to=2026-11-22", "2026-11-16_2026-11-22"),
        ("?ordered_at_from=2026-11-16&ordered_at_to=2026-11-16", "2026-11-16"),
        ("?ordered_at_from=2026-11-16", "2026-11-16_{today}"),
        ("?ordered_at_to=2026-11-16", "until_2026-11-16"),
    ],
)
def test_file_is_named_by_days_in_seoul(admin_client, query, days):
    answer = post(admin_client, ORDERS, query)
    assert name_of(answer) == f"Order-{days.format(today=localdate())}.csv"


def test_last_week_is_from_monday_to_sunday_and_a_month_from_its_first():
    ranges = dict(day_ranges(today=date(2026, 3, 2)))  # a Monday
    assert ranges["지난주"] == (date(2026, 2, 23), date(2026, 3, 1))
    assert ranges["지난달"] == (date(2026, 2, 1), date(2026, 2, 28))
    assert ranges["지난 7일"] == (date(2026, 2, 24), date(2026, 3, 2))
    assert dict(day_ranges(today=date(2026, 3, 1)))["지난주"] == (date(2026, 2, 16), date(2026, 2, 22))


def test_range_of_days_is_chosen_by_a_link_that_keeps_the_other_filters(admin_client):
    page = admin_client.get(reverse(f"admin:{ORDERS}_changelist"), {"event__state__exact": "dead", "p": "1"})
    first, last = dict(day_ranges(today=localdate()))["지난주"]
    (choice,) = page.context["cl"].filter_specs[1].choices(page.context["cl"])
    (link,) = [each["query"] for each in choice["presets"] if each["label"] == "지난주"]
    assert link == f"?event__state__exact=dead&ordered_at_from={first}&ordered_at_to={last}"


def test_export_leaves_an_entry_in_the_log_with_rows_and_filters_before_it_is_sent(admin_client, bought):
    answer = post(admin_client, LEDGER, "?type__exact=charge")
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_repr) == ("admin", name_of(answer))
    assert entry.content_type.model_class() is PointTransaction
    assert all(part in action_log.describe(entry) for part in ("1행", name_of(answer), "type__exact=charge"))


@pytest.mark.parametrize("role", ["viewer", "merchandiser", "operator"])
@pytest.mark.parametrize("table", LISTS)
def test_lists_are_exported_by_operators_alone(staff_of, role, table):
    browser, url, may = staff_of(role), reverse(f"admin:{table}_export"), role == "operator"
    assert (url in browser.get(reverse(f"admin:{table}_changelist")).content.decode()) == may
    assert browser.get(url).status_code == (200 if may else 403)
    assert post(browser, table).status_code == (200 if may else 403)
    assert LogEntry.objects.exists() == may


def test_right_to_export_shows_no_list_that_the_account_may_not_see(staff_of):
    browser = staff_of("operator")
    seen = Group.objects.get(name="operator").permissions.get(codename="view_order")
    Group.objects.get(name="operator").permissions.remove(seen)
    assert post(browser, ORDERS).status_code == 403
    assert post(browser, LEDGER).status_code == 200


@pytest.mark.parametrize("lacking", [None, "view_pointaccount", "view_pointtransaction"])
def test_order_shows_points_to_accounts_that_may_see_points(staff_of, bought, lacking):
    browser, order = staff_of("operator"), Order.objects.get()
    rights = Group.objects.get(name="operator").permissions
    rights.remove(*rights.filter(codename=lacking))
    page = browser.get(page_of(order)).content.decode()
    (head, row) = rows_of(post(browser, ORDERS).getvalue())
    shows_balance = lacking != "view_pointaccount"
    assert [("결제 후 잔액" in page), ("결제 후 잔액" in head)] == [shows_balance] * 2
    assert (won(order.balance_after) in page, str(order.balance_after) in row) == (shows_balance,) * 2
    assert (won(-order.total) in page) == (lacking != "view_pointtransaction")
    assert won(order.total) in page


def test_right_to_export_is_ticked_on_a_role_s_page(admin_client, staff_of):
    staff_of("operator")
    admin_client.force_login(User.objects.get(username="admin"))
    page = admin_client.get(reverse("admin:auth_group_change", args=[Group.objects.get(name="viewer").pk]))
    assert "목록과 매출 내보내기" in page.content.decode()


def test_browser_gets_the_file_compressed_and_of_a_known_length(admin_client, bought):
    plain = post(admin_client, ORDERS)
    url = reverse(f"admin:{ORDERS}_export")
    packed = admin_client.post(url, {"format": "0"}, headers={"Accept-Encoding": "gzip, br"})
    assert (packed["Content-Encoding"], "Accept-Encoding" in packed["Vary"]) == ("gzip", True)
    (content, sent) = plain.getvalue(), packed.getvalue()
    assert gzip.decompress(sent) == content
    assert (int(plain["Content-Length"]), int(packed["Content-Length"])) == (len(content), len(sent))


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br;q=1.0, GZIP ; q=0.001, *;q=0", "gzip"),
        ("gzip;q=0", None),
        ("br, gzip; q=0.000", None),
        ("identity", None),
        ("", None),
    ],
)
def test_export_is_compressed_only_for_a_client_that_accepts_it(admin_client, bought, accepted, coding):
    url, headers = reverse(f"admin:{ORDERS}_export"), {"Accept-Encoding": accepted}
    assert admin_client.post(url, {"format": "0"}, headers=headers).get("Content-Encoding") == coding


def test_text_that_a_cell_cannot_hold_ends_in_an_ellipsis(admin_client, bought):
    OrderEvent.objects.update(last_error="x" * 60_000)
    of_csv, of_xlsx = (rows_of(fetch(admin_client, EVENTS, kind))[1][7] for kind in ("csv", "xlsx"))
    assert of_csv == "x" * 60_000
    assert of_xlsx == "x" * 32_766 + "…"
    OrderEvent.objects.update(last_error="x" * 32_767)
    assert rows_of(fetch(admin_client, EVENTS, "xlsx"))[1][7] == "x" * 32_767


def test_page_says_how_many_rows_there_are_and_how_many_a_file_holds(admin_client, bought):
    page = admin_client.get(reverse(f"admin:{ORDERS}_export")).content.decode()
    assert all(
        text in page
        for text in ("주문마다 한 행: 1행", "주문 상품마다 한 행: 1행", "100,000행", "1,048,575행")
    )


def test_third_export_at_once_is_told_to_come_again(admin_client, monkeypatch):
    monkeypatch.setattr(slots, "WAIT_SECONDS", 0)
    with slots.file_slot(), slots.file_slot():
        answer = post(admin_client, BALANCES)
        assert not answer.streaming
        assert "잠시 후" in answer.content.decode()
    assert not LogEntry.objects.exists()
    assert post(admin_client, BALANCES).streaming
