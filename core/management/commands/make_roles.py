import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core.roles import DEFAULT_PREFIX, PREFIX, ROLES, Place, role_name, statements
from core.sql import SQL
from outbox.database import execute, fetch_all


class Command(BaseCommand):
    help = (
        "Make the SQL roles of API, dispatcher, settlement and maintenance, each with what its process needs. "
        "Run it as the owner of the tables, after each migrate."
    )

    # The whole set would load the API, which this command does without.
    requires_system_checks = ["core"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--prefix",
            type=_prefix,
            default=DEFAULT_PREFIX,
            help=f"how the roles' names begin (default: {DEFAULT_PREFIX})",
        )
        parser.add_argument("--dry-run", action="store_true", help="only print the statements")

    def handle(self, *args: Any, prefix: str, dry_run: bool, **options: Any) -> None:
        names = [role_name(prefix, role) for role in ROLES]
        with transaction.atomic():
            place = _place()
            existing = _existing(names)
            for statement in statements(place, prefix=prefix, existing=existing):
                if dry_run:
                    self.stdout.write(f"{statement};")
                else:
                    execute(statement, {})
        if dry_run:
            return
        for name in names:
            self.stdout.write(f"{'kept' if name in existing else 'made'} {name}")
        if set(names) - existing:
            self.stderr.write(r"A role that was made has no password yet: give it one with psql's \password.")


def _place() -> Place:
    rows = fetch_all(SQL["place_of_tables"], {})
    if not rows:
        raise CommandError("There are no tables yet: run manage.py migrate.")
    ((database, schema, owner),) = rows
    return Place(database=database, schema=schema, owner=owner)


def _existing(names: list[str]) -> frozenset[str]:
    """Raises CommandError where one of the names is a role that grants cannot hold back."""
    found = fetch_all(SQL["roles_named"], {"names": names})
    if excessive := [name for name, is_more in found if is_more]:
        raise CommandError(
            f"{', '.join(excessive)} owns tables, is a member of another role, or may more than its grants: "
            "drop it, or choose another --prefix."
        )
    return frozenset(name for name, _ in found)


def _prefix(text: str) -> str:
    if not PREFIX.fullmatch(text):
        raise argparse.ArgumentTypeError("must be up to 40 lower-case letters, digits and underscores")
    return text
