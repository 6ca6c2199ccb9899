"""People of each role, and a browser's cookies."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from api.ops.roles import Role


@pytest.fixture(autouse=True)
def least_privileges(api_may_no_more_than_its_role: None) -> None:
    """A page that asks for more than the API's SQL role may do fails here, and not in a deployment."""


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hashing one the slow way is most of what a login costs."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(db: None) -> "Callable[[Role | None], User]":
    """A staff user of a role; None has none."""
    # Imported within: pytest reads this file before Django has its apps.
    from django.contrib.auth.models import Group, User

    def make(role: "Role | None") -> User:
        name = role.group if role else "nobody"
        user = User.objects.create_user(name, password="only for these tests 1", is_staff=True)
        if role is not None:
            user.groups.add(Group.objects.get(name=role.group))
        return user

    return make


@pytest.fixture
def browser(person: "Callable[[Role | None], User]") -> "Callable[[Role | None], Client]":
    """Somebody of a role who is logged in; forged forms are refused, as in a browser."""

    def make(role: "Role | None") -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(person(role))
        return client

    return make


@pytest.fixture
def operator(browser: "Callable[[Role | None], Client]") -> Client:
    """An operator whose forms need no token: what they do is tried, not how they are guarded."""
    from api.ops.roles import Role

    client = browser(Role.OPERATOR)
    client.handler.enforce_csrf_checks = False
    return client
