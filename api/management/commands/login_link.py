"""`manage.py login_link NAME`: a link for somebody whose password is not known."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from api.management.links import LinkCommand
from api.ops.people import NoSuchPerson, find_person


class Command(LinkCommand):
    help = "Print a link by which somebody enters the operations pages once, within an hour."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who it is for")
        super().add_arguments(parser)

    def handle(self, *_: Any, name: str, json: bool, **__: Any) -> None:
        try:
            person = find_person(name)
        except NoSuchPerson as error:
            raise CommandError(str(error)) from None
        self.print_link(person, as_json=json)
