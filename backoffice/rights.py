"""Rules for giving rights: an account cannot give more than it has, or change an account that has more.

The forms, permission methods and views of staff accounts and roles all use these. Rights are read from the
database. Those of an inactive account count, because making it active again would bring them back.
"""

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet


def held_by(account: User) -> QuerySet[Permission]:
    """The rights of an account and of its roles; a superuser has all."""
    if account.is_superuser:
        return Permission.objects.all()
    own, by_role = account.user_permissions.values("pk"), account.groups.values("permissions")
    return Permission.objects.filter(Q(pk__in=own) | Q(pk__in=by_role))


def assignable_roles(*, actor: User) -> QuerySet[Group]:
    """The roles that permit nothing that the actor lacks."""
    lacking = Permission.objects.exclude(pk__in=held_by(actor).values("pk"))
    return Group.objects.exclude(permissions__in=lacking)


def may_change_account(*, actor: User, account: User) -> bool:
    """Whether the account has no right that the actor lacks; only a superuser may change a superuser."""
    if actor.is_superuser:
        return True
    return not account.is_superuser and not _exceed(held_by(account), actor)


def may_change_role(*, actor: User, role: Group) -> bool:
    """Whether neither the role nor any account with it has a right that the actor lacks."""
    if actor.is_superuser:
        return True
    if role.user_set.filter(is_superuser=True).exists():
        return False
    holders = role.user_set.values("pk")
    theirs = Permission.objects.filter(Q(user__in=holders) | Q(group__user__in=holders) | Q(group=role))
    return not _exceed(theirs, actor)


def _exceed(rights: QuerySet[Permission], actor: User) -> bool:
    return rights.exclude(pk__in=held_by(actor).values("pk")).exists()
