from typing import Any

from django.core.management.base import BaseCommand

from dispatcher.pause import resume_deliveries


class Command(BaseCommand):
    help = "Go on after pause_deliveries."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write("Deliveries go on." if resume_deliveries() else "Deliveries were not paused.")
