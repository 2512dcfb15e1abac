"""What the database needs before the shop opens: tables, demo data, an administrator."""

import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from local import demo
from local.welcome import ADMIN, EXAMPLE_CHARGE
from products.models import Product
from users.models import User


@dataclass(frozen=True)
class Prepared:
    """What the operator is told.

    The administrator's password where one was made, and the ids of a member and of a product at a price of at
    most EXAMPLE_CHARGE won, to try.
    """

    password: str | None
    user_id: int | None
    product_id: int | None


def prepare(*, seed: bool) -> Prepared:
    """Bring the tables up to date, seed an empty shop if wanted, and make sure of an administrator."""
    try:
        _migrate()
        if seed:
            _seed()
        return Prepared(_create_admin(), _some_user(), _some_product())
    finally:
        connections.close_all()


def _migrate() -> None:
    """`migrate`, but only where something is to be done: it takes a while to find out by itself."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def _seed() -> None:
    try:
        demo.seed()
    except demo.NotEmpty:
        return


def _create_admin() -> str | None:
    """The password of the administrator made now; None where there is one."""
    accounts = get_user_model().objects
    if accounts.filter(username=ADMIN).exists():
        return None
    password = _random_password()
    accounts.create_superuser(ADMIN, password=password)
    return password


def renew_password() -> str:
    """The new password of the administrator, who is made where there is none. Raises DatabaseError."""
    try:
        made = _create_admin()
        if made:
            return made
        password = _random_password()
        admin = get_user_model().objects.get(username=ADMIN)
        admin.set_password(password)
        admin.save(update_fields=["password"])
        return password
    finally:
        connections.close_all()


def _random_password() -> str:
    return secrets.token_urlsafe(12)


def _some_user() -> int | None:
    return User.objects.order_by("pk").values_list("pk", flat=True).first()


def _some_product() -> int | None:
    affordable = Product.objects.filter(stock__gt=0, price__lte=EXAMPLE_CHARGE)
    return affordable.order_by("pk").values_list("pk", flat=True).first()
