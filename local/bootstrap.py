"""Preparation of the database before the shop opens: tables, demo data, an administrator."""

import secrets
from contextlib import suppress

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from local import demo
from local.welcome import ADMIN, EXAMPLE_CHARGE, Prepared
from products.models import Product
from users.models import User


def prepare(*, seed: bool) -> Prepared:
    """Bring the tables up to date, seed an empty shop if wanted, and make sure of an administrator."""
    try:
        # `migrate` takes a while to find out by itself that nothing is to be done.
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
        # Not for a shop that somebody else is filling: it opens meanwhile.
        if seed and not User.objects.exists():
            with suppress(demo.NotEmpty), demo.alone(say=print):
                demo.seed()
        has_admin = get_user_model().objects.filter(username=ADMIN).exists()
        affordable = Product.objects.filter(stock__gt=0, price__lte=EXAMPLE_CHARGE)
        return Prepared(
            password=None if has_admin else renew_password(),
            user_id=User.objects.order_by("pk").values_list("pk", flat=True).first(),
            product_id=affordable.order_by("pk").values_list("pk", flat=True).first(),
        )
    finally:
        connections.close_all()


def renew_password() -> str:
    """The administrator is made where there is none. Raises DatabaseError."""
    password = secrets.token_urlsafe(12)
    accounts = get_user_model().objects
    admin = accounts.filter(username=ADMIN).first() or accounts.create_superuser(ADMIN)
    admin.set_password(password)
    admin.save(update_fields=["password"])
    return password
