"""Whatever the constraints let plain SQL put into a row, every page can show it."""

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, models, transaction
from django.urls import reverse
from django.utils import timezone

from backoffice.refusals.models import Refusal
from core.db.audit import audit
from coupons.factories import CouponFactory
from coupons.services import issue
from orders.models import OrderEvent
from products.factories import ProductFactory
from rankings.services import recompute
from tests.kit.backoffice import buy
from tests.kit.database import broken, execute
from tests.kit.events import body
from users.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.long
APPS = ("users", "products", "points", "coupons", "orders", "rankings", "refusals", "admin")
MAX, MIN = 2**63 - 1, -(2**63)
MOMENTS = ("9998-12-31 00:00:00+00", "1900-01-01 00:00:00+00")
MEMBERS_PAGES = [f"/api/v1/{path}" for path in ("points", "points/transactions", "orders", "issued-coupons")]
CONTROLS = "".join(map(chr, [*range(1, 32), 127, 0x85, 0x2028, 0x202E, 0xFFFE, 0xFFFF, 0x10FFFF]))
# What a column is given one after the other, as far as its constraints take it: the last one stays.
EXTREMES = {
    "largest": {
        models.BigIntegerField: (2**31 - 1, MAX // 2, MAX - 1, MAX),
        models.IntegerField: (2**31 - 1,),
        models.DecimalField: (10**40 - 1,),
        models.DateTimeField: MOMENTS[:1],
        models.CharField: ("🎉" * 64, "🎉" * 100, "🎉" * 255),
        models.TextField: ("🎉" * 100_000,),
        models.JSONField: ("[" * 3_000 + "]" * 3_000,),
    },
    "largest in the ranking's window": {
        models.BigIntegerField: (2**31 - 1, MAX // 2, MAX - 1, MAX),
        models.DecimalField: (10**40 - 1,),
    },
    "smallest": {
        models.BigIntegerField: (1, 0, -1, MIN),
        models.IntegerField: (1, 0, -1, -(2**31)),
        models.DecimalField: (0,),
        models.DateTimeField: MOMENTS[1:],
        models.CharField: ("x", "", " x "),
        models.TextField: ("",),
    },
    "odd": {
        models.BigIntegerField: (7,),
        models.DateTimeField: ("2038-01-19 03:14:08+00", "2100-02-28 23:59:59.999999+00"),
        models.CharField: (f"<script>&'\"{CONTROLS[:40]}", "=cmd|' /C calc'!A0\r\n{{ x }}%s\\"),
        models.TextField: (CONTROLS, "{", "[1]", '[{"added": []}]', "null", '[{"changes": 5}]'),
        models.JSONField: ("5",),
    },
}


WITHOUT_CONSTRAINT = (
    "ALTER TABLE orders_orderitem DROP CONSTRAINT order_item_amount_within_bigint",
    """ALTER TABLE orders_orderitem ADD CONSTRAINT order_item_amount_within_bigint
    CHECK (unit_price::numeric(38, 0) * quantity <= 9223372036854775807)""",
)


def put(model: type[models.Model], field: models.Field, values: tuple[object, ...]) -> bool:
    """Whether any was taken."""
    taken = False
    for value in values:
        try:
            with transaction.atomic():
                execute(
                    "SET LOCAL session_replication_role = replica"
                )  # triggers say nothing of rows as such
                execute(f'UPDATE "{model._meta.db_table}" SET "{field.column}" = %s', value)
            taken = True
        except DatabaseError:
            continue
    return taken


def fill(extremes: dict[type[models.Field], tuple[object, ...]]) -> int:
    """Twice, as one column may be in another's way; how many columns took something."""
    taken = 0
    for model in [model for app in APPS for model in apps.get_app_config(app).get_models()] * 2:
        for field in model._meta.local_concrete_fields:
            if not (field.primary_key or field.is_relation):
                for kind, values in extremes.items():
                    if isinstance(field, kind):
                        taken += put(model, field, values)
                        break
    return taken


@pytest.fixture
def shop(transactional_db, client):
    """Somebody bought, somebody holds a coupon; rows with the last id too."""
    buy()
    member = UserFactory()
    issue(user_id=member.pk, coupon_id=CouponFactory(quantity=2).pk)
    recompute(days=3)
    staff = get_user_model().objects.create_superuser("otto")
    about = {"content_type": ContentType.objects.get_for_model(User), "object_id": str(member.pk)}
    LogEntry.objects.create(user=staff, action_flag=2, object_repr="x", **about)
    Refusal.objects.create(refused_at=timezone.now(), status=409)
    User.objects.create(pk=MAX, name="x")
    ProductFactory(pk=MAX)
    CouponFactory(pk=MAX)
    client.force_login(staff)
    client.raise_request_exception = False
    return client


def pages() -> list[str]:
    """Every list and page of the admin, and what it exports."""
    found = ["/admin/", "/api/v1/products", "/api/v1/coupons", "/api/v1/rankings/products", "/metrics"]
    for model in [model for app in (*APPS, "auth") for model in apps.get_app_config(app).get_models()]:
        name = f"admin:{model._meta.db_table}"
        try:
            found.append(reverse(f"{name}_changelist"))
        except Exception:  # noqa: BLE001, S112 - it has no page
            continue
        for pk in model._base_manager.order_by("pk").values_list("pk", flat=True)[:8]:
            found += [reverse(f"{name}_{page}", args=[pk]) for page in ("change", "history")]
    return found


def broken_pages(client) -> dict[str, int]:
    seen = {page: client.get(page).status_code for page in pages()}
    for table in ("products", "coupons"):
        for pk in apps.get_model(table, table[:-1]).objects.values_list("pk", flat=True):
            seen[f"/api/v1/{table}/{pk}"] = client.get(f"/api/v1/{table}/{pk}").status_code
        for kind in (0, 1):
            answer = client.post(f"/admin/{table}/{table[:-1]}/export/", {"format": kind})
            seen[f"{table} export {kind}"] = answer.status_code
            assert answer.getvalue()
    for pk in User.objects.filter(pk__gt=0).values_list("pk", flat=True):
        for path in MEMBERS_PAGES:
            answer = client.get(path, headers={"X-User-Id": str(pk)})
            seen[f"{path} of {pk}"] = answer.status_code
            if answer.status_code == 200 and "results" in answer.json():
                for row in answer.json()["results"]:
                    one = f"{path}/{row['id']}"
                    seen[one] = client.get(one, headers={"X-User-Id": str(pk)}).status_code
    return {page: status for page, status in seen.items() if status >= 500}


@pytest.mark.redis
@pytest.mark.parametrize("extremes", EXTREMES.values(), ids=EXTREMES.keys())
def test_pages_show_every_row_that_the_constraints_allow(shop, extremes):
    assert fill(extremes) > 10
    assert broken_pages(shop) == {}
    assert audit()
    assert all(map(body, OrderEvent.objects.all()))


def test_row_that_pages_could_not_show_would_be_noticed(shop):
    with broken(*WITHOUT_CONSTRAINT):
        execute("UPDATE orders_orderitem SET unit_price = %s, quantity = 2", MAX)
        assert broken_pages(shop).keys() == {"/admin/", "/api/v1/rankings/products"}
        execute("UPDATE orders_orderitem SET unit_price = 1")
