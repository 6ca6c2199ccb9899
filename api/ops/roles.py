"""Who may do what on the operations pages: three roles, each a group of Django's own users."""

from enum import IntEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User


class Role(IntEnum):
    """Each may do what those below it may."""

    VIEWER = 1  # reads; no bodies
    OPERATOR = 2  # reads bodies, replays, resends, stops, disables, enables
    ADMIN = 3  # secrets, keys, people

    @property
    def group(self) -> str:
        return self.name.lower()


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The highest role of a user; None for one who has no business here. One query the first time."""
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_superuser:
        return Role.ADMIN
    if not user.is_staff:
        return None
    names = set(user.groups.values_list("name", flat=True))
    return max((role for role in Role if role.group in names), default=None)
