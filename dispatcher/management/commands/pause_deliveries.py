from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dispatcher.pause import pause_deliveries


class Command(BaseCommand):
    help = "Pause all deliveries; events are still recorded, and resume_deliveries sends what waited."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", default="", help="why, for whoever finds deliveries paused")

    def handle(self, *args: Any, **options: Any) -> None:
        if pause_deliveries(reason=options["reason"]):
            self.stderr.write("Deliveries are paused. Go on with: manage.py resume_deliveries")
        else:
            self.stderr.write("Deliveries were paused already.")
