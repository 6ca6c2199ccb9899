"""What commands that print a one-time link share."""

import json
from argparse import ArgumentParser

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction

from api.ops.entry_links import new_entry_link
from api.ops.roles import role_of
from api.pages import audit
from core.config import public_url


class LinkCommand(BaseCommand):
    """The link goes to stdout, what is said about it to stderr."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help='print {"name", "role", "link", "expires_at"}'
        )

    def print_link(self, person: User, *, as_json: bool) -> None:
        """Make a link, note in the audit log that there is one, and print it."""
        name, role = person.get_username(), role_of(person)
        with transaction.atomic():
            path, expires_at = new_entry_link(person)
            audit.record(actor=audit.terminal_actor(), action="person.link_made", subject=name)
        link, group = public_url() + path, role.group if role else None
        if as_json:
            members = {"name": name, "role": group, "link": link, "expires_at": int(expires_at.timestamp())}
            self.stdout.write(json.dumps(members))
        else:
            self.stderr.write(f"{name} ({group}) enters by this link once, until {expires_at:%H:%M} UTC:")
            self.stdout.write(link)
