"""`manage.py create_operator NAME --role viewer|operator|admin`: somebody who may open the operations pages."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from api.management.links import LinkCommand
from api.ops.people import NameTaken, NoSuchPerson, create_person, find_person
from api.ops.roles import Role
from api.pages import audit


class Command(LinkCommand):
    help = "Let somebody open the operations pages: prints a link that is good for one entry within an hour."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who: letters, digits and @.+-_")
        parser.add_argument(
            "--role",
            choices=[role.group for role in Role],
            required=True,
            help="viewer reads; operator sees bodies, replays, disables and enables; admin also has secrets and keys",
        )
        parser.add_argument(
            "--link-if-known", action="store_true", help="only print a link where the name is known already"
        )
        super().add_arguments(parser)

    def handle(self, *_: Any, name: str, role: str, link_if_known: bool, json: bool, **__: Any) -> None:
        try:
            with transaction.atomic():
                person = create_person(name, Role[role.upper()])
                audit.record(
                    actor=audit.terminal_actor(), action="person.created", subject=name, after={"role": role}
                )
        except ValidationError as error:
            raise CommandError(f"{name!r} cannot be a name: {' '.join(error.messages)}") from None
        except NameTaken:
            if not link_if_known:
                raise CommandError(
                    f"{name} is known already. For a new link: manage.py login_link {name}"
                ) from None
            try:
                person = find_person(name)
            except NoSuchPerson as error:
                raise CommandError(str(error)) from None
        self.print_link(person, as_json=json)
