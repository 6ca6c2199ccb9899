"""Those who may open the operations pages: Django's users, each with one role."""

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction

from api.ops.roles import Role, role_of


class NameTaken(Exception):
    """There is somebody of that name already."""


class NoSuchPerson(Exception):
    """Nobody of that name may open the operations pages."""


def create_person(name: str, role: Role) -> User:
    """Somebody without a password yet. Requires a transaction; raises NameTaken, and Django's ValidationError."""
    person = User(username=User.normalize_username(name), is_staff=True)
    person.set_unusable_password()
    person.clean_fields()
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError:
        raise NameTaken(name) from None
    person.groups.add(Group.objects.get(name=role.group))
    return person


def find_person(name: str) -> User:
    """Raises NoSuchPerson: unknown, deactivated, or without a role."""
    person = User.objects.filter(username=name).first()
    if person is None:
        raise NoSuchPerson(
            f"{name} is not known. To let somebody in: manage.py create_operator NAME --role viewer"
        )
    if role_of(person) is None:
        raise NoSuchPerson(f"{name} was deactivated, or has no role: an admin mends that on the page People.")
    return person


def give_role(person: User, role: Role) -> None:
    """The one role that somebody has from now on; opens a transaction."""
    with transaction.atomic():
        person.groups.remove(*person.groups.exclude(name=role.group))
        person.groups.add(Group.objects.get(name=role.group))


def set_active(person: User, *, active: bool) -> None:
    """Let somebody in again, or keep them out from their next request on. One statement, joins a transaction."""
    person.is_active = active
    person.save(update_fields=["is_active"])
