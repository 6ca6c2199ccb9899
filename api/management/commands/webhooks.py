import argparse
import io
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
    # They work, and are no help to whoever looks for a subcommand.
    suppressed_base_arguments = {
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--no-color",
        "--force-color",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        add_subcommands(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        # Not Django's wrappers, which paint all of standard error red.
        output = Output(
            # Python has none where the shell closed it (`>&-`): what is written there is for nobody.
            stdout=options.get("stdout") or sys.stdout or io.StringIO(),
            stderr=options.get("stderr") or sys.stderr or io.StringIO(),
            as_json=True if options.get("json") else False if options.get("text") else None,
            coloured=False if options["no_color"] else True if options["force_color"] else None,
        )
        code = run_subcommand(options["run"], argparse.Namespace(**options), output)
        if code:
            raise SystemExit(int(code))
