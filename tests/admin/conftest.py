"""What the tests of the admin share: a shop where somebody bought, and how pages are opened and saved."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User

from tests.kit.backoffice import buy


@pytest.fixture
def bought(transactional_db):
    """The product that somebody bought."""
    return buy()


@pytest.fixture
def staff_of(db, client):
    """A browser in which a staff account with the role is signed in."""
    import_module("backoffice.migrations.0001_roles").make_roles(apps, None)
    import_module("backoffice.spreadsheets.migrations.0005_export_lists").grant(apps, None)

    def signed_in(role):
        account = User.objects.create_user(role, is_staff=True)
        account.groups.add(Group.objects.get(name=role))
        client.force_login(account)
        return client

    return signed_in
