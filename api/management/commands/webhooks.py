import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.command_line.output import Output
from api.command_line.parser import DESCRIPTION, add_subcommands
from api.command_line.running import run_subcommand


class Command(BaseCommand):
    help = DESCRIPTION
    # The database may be away: each subcommand says so in one sentence, and `doctor` runs the checks.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_subcommands(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        # Not Django's wrappers, which paint all of standard error red.
        output = Output(
            stdout=options.get("stdout") or sys.stdout,
            stderr=options.get("stderr") or sys.stderr,
            as_json=True if options["json"] else False if options["text"] else None,
            coloured=False if options["no_color"] else True if options["force_color"] else None,
        )
        code = run_subcommand(options["run"], argparse.Namespace(**options), output)
        if code:
            raise SystemExit(int(code))
