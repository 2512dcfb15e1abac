"""Nobody gives rights they do not have: forged POSTs by somebody who may change staff accounts and roles."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from backoffice import rights

pytestmark = pytest.mark.django_db

ACCOUNTS = ("view_user", "add_user", "change_user")
ROLES = ("view_group", "add_group", "change_group", "delete_group")


def permissions(app, *codenames):
    return list(Permission.objects.filter(content_type__app_label=app, codename__in=codenames))


@pytest.fixture
def clerk(db, client):
    """Looks after accounts and roles, sees products, and is signed in."""
    account = User.objects.create_user("clerk", "clerk@example.com", is_staff=True)
    account.user_permissions.add(
        *permissions("auth", *ACCOUNTS, *ROLES), *permissions("products", "view_product")
    )
    client.force_login(account)
    return account


def role(name, *granted):
    group = Group.objects.create(name=name)
    group.permissions.add(*granted)
    return group


def mighty_role():
    return role("mighty", *permissions("products", "change_product"))


def account(name="other", *, groups=(), **fields):
    user = User.objects.create_user(name, f"{name}@example.com", "old password", is_staff=True, **fields)
    user.groups.add(*groups)
    return user


def edit(browser, row, page="change", **fields):
    name = row._meta.model_name
    return browser.post(reverse(f"admin:auth_{name}_{page}", args=[row.pk]), fields)


def state(user):
    return User.objects.values().get(pk=user.pk), rights_of(user)


def rights_of(user):
    return set(rights.held_by(User.objects.get(pk=user.pk)))


FORM = {"is_active": "on", "is_staff": "on"}


@pytest.mark.parametrize("whose", ["own", "another's"])
def test_forged_superuser_flag_and_permissions_are_not_taken(clerk, client, whose):
    target = clerk if whose == "own" else account()
    before = rights_of(target)
    edit(client, target, username=target.username, is_superuser="on", **FORM,
         user_permissions=[each.pk for each in permissions("products", "change_product")])  # fmt: skip
    target.refresh_from_db()
    assert (target.is_superuser, rights_of(target)) == (False, before)


@pytest.mark.parametrize("whose", ["own", "another's"])
def test_role_beyond_the_giver_s_rights_is_not_given(clerk, client, whose):
    target, before = clerk if whose == "own" else account(), mighty_role()
    answer = edit(client, target, username=target.username, groups=[before.pk], **FORM)
    assert (answer.status_code, list(target.groups.all())) == (200, [])


def test_role_within_the_giver_s_rights_is_given_and_taken_away(clerk, client):
    target, weak = account(), role("weak", *permissions("products", "view_product"))
    assert edit(client, target, username="other", groups=[weak.pk], **FORM).status_code == 302
    assert list(target.groups.all()) == [weak]
    assert edit(client, target, username="other", groups=[], **FORM).status_code == 302
    assert list(target.groups.all()) == []


MIGHTIER = {
    "a superuser": lambda: account(is_superuser=True),
    "an inactive superuser": lambda: account(is_superuser=True, is_active=False),
    "by a role": lambda: account(groups=[mighty_role()]),
    "by a role, inactive": lambda: account(groups=[mighty_role()], is_active=False),
    "by a permission of its own": lambda: with_permission(account()),
}


def with_permission(user):
    user.user_permissions.add(*permissions("products", "delete_product"))
    return user


@pytest.mark.parametrize("mightier", MIGHTIER.values(), ids=MIGHTIER)
def test_account_with_more_rights_cannot_be_changed(clerk, client, mightier):
    target = mightier()
    before = state(target)
    password = {"password1": "new password here", "password2": "new password here", "usable_password": "true"}
    refused = [
        edit(client, target, username="renamed", email="clerk@example.com", **FORM),
        edit(client, target, username=target.username, is_staff="on"),  # deactivates
        edit(client, target, username=target.username, groups=[], **FORM),
        edit(client, target, username=target.username, _popup="1", _continue="1", **FORM),
        client.post(f"/admin/auth/user/{target.pk}/password/", password),
        client.post(f"/admin/auth/user/{target.pk}/password/", {"unset-password": "1", **password}),
        client.get(f"/admin/auth/user/{target.pk}/password/"),
        edit(client, target, "delete", post="yes"),
    ]  # fmt: skip
    assert {answer.status_code for answer in refused} == {403}
    assert state(target) == before
    assert client.get(reverse("admin:auth_user_change", args=[target.pk])).status_code == 200  # may be seen


def test_account_with_no_more_rights_can_be_changed(clerk, client):
    target = account(groups=[role("weak", *permissions("products", "view_product"))])
    password = {"password1": "new password here", "password2": "new password here", "usable_password": "true"}
    assert client.post(f"/admin/auth/user/{target.pk}/password/", password).status_code == 302
    assert edit(client, target, username="renamed", is_staff="on").status_code == 302
    target.refresh_from_db()
    assert (target.username, target.is_active, target.check_password("new password here")) == (
        "renamed", False, True
    )  # fmt: skip


@pytest.mark.parametrize("is_superuser", [False, True])
@pytest.mark.parametrize("spelling", ["{}", "0{}", " {}"])
def test_own_password_is_not_changed_without_the_old_one(clerk, client, is_superuser, spelling):
    User.objects.filter(pk=clerk.pk).update(is_superuser=is_superuser)
    before = state(clerk)
    page = reverse("admin:auth_user_password_change", args=[spelling.format(clerk.pk)])
    password = {"password1": "new password here", "password2": "new password here", "usable_password": "true"}
    for answer in (client.get(page), client.post(page, password)):
        assert (answer.status_code, answer.url) == (302, reverse("admin:password_change"))
    assert state(clerk) == before


def test_new_account_has_no_rights_with_any_fields_sent(clerk, client):
    fields = {"username": "new", "usable_password": "true", "is_superuser": "on", "is_staff": "on",
              "groups": [mighty_role().pk], "user_permissions": [permissions("auth", "add_user")[0].pk],
              "password1": "correct horse battery", "password2": "correct horse battery"}  # fmt: skip
    assert client.post(reverse("admin:auth_user_add"), fields).status_code == 302
    new = User.objects.get(username="new")
    assert (new.is_superuser, rights_of(new)) == (False, set())


def test_role_gets_no_right_that_its_maker_lacks(clerk, client):
    weak, more = role("weak"), permissions("products", "view_product", "change_product")
    chosen = [each.pk for each in more]
    assert (
        client.post(reverse("admin:auth_group_add"), {"name": "new", "permissions": chosen}).status_code
        == 200
    )
    assert edit(client, weak, name="weak", permissions=chosen).status_code == 200
    assert (weak.permissions.count(), Group.objects.filter(name="new").exists()) == (0, False)
    own = permissions("products", "view_product")[0]
    assert edit(client, weak, name="weak", permissions=[own.pk]).status_code == 302
    assert list(weak.permissions.all()) == [own]


def held_by_a_superuser():
    weak = role("weak")
    account(is_superuser=True, groups=[weak])
    return weak


def held_by_somebody_with_more():
    weak = role("weak")
    account(groups=[weak, mighty_role()])
    return weak


@pytest.mark.parametrize("role_of", [mighty_role, held_by_a_superuser, held_by_somebody_with_more])
def test_role_beyond_the_editor_s_rights_cannot_be_changed(clerk, client, role_of):
    target = role_of()
    before = set(target.permissions.all())
    refused = [
        edit(client, target, name="renamed", permissions=[]),
        edit(client, target, name=target.name, permissions=[permissions("products", "view_product")[0].pk]),
        edit(client, target, "delete", post="yes"),
    ]
    assert {answer.status_code for answer in refused} == {403}
    target.refresh_from_db()
    assert (target.name == "renamed", set(target.permissions.all())) == (False, before)


@pytest.mark.parametrize("table", ["auth_user", "auth_group"])
def test_actions_of_lists_change_no_accounts_or_roles(clerk, client, table):
    target = account(is_superuser=True) if table == "auth_user" else mighty_role()
    before = list(type(target).objects.values())
    for action in ("delete_selected", "make_superuser", ""):
        fields = {"action": action, "_selected_action": [target.pk], "index": "0", "post": "yes",
                  "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": target.pk,
                  "form-0-is_superuser": "on", "form-0-name": "renamed", "_save": "1"}  # fmt: skip
        client.post(reverse(f"admin:{table}_changelist"), fields)
    assert list(type(target).objects.values()) == before


def test_superuser_may_do_all(admin_client):
    target, mighty = account(is_superuser=True), mighty_role()
    assert edit(admin_client, target, username="other", groups=[mighty.pk], **FORM).status_code == 302
    target.refresh_from_db()
    assert (target.is_superuser, list(target.groups.all())) == (False, [mighty])
    assert edit(admin_client, mighty, name="renamed", permissions=[]).status_code == 302
    assert edit(admin_client, target, username="other", is_superuser="on", **FORM).status_code == 302
    target.refresh_from_db()
    assert target.is_superuser


def test_forged_fields_would_be_taken_without_the_policy(clerk, client, monkeypatch):
    """The comparison can fail: as Django alone would have it, one field makes a superuser."""
    monkeypatch.setattr(
        "backoffice.admin.StaffAccountAdmin.get_readonly_fields",
        lambda *_: ("password_state", "last_login", "date_joined"),
    )
    monkeypatch.setattr(rights, "may_change_account", lambda **_: True)
    edit(client, clerk, username="clerk", is_superuser="on", **FORM)
    clerk.refresh_from_db()
    assert clerk.is_superuser
