from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outbox.partitions import maintain_partitions

FAILURES = 4


class Command(BaseCommand):
    help = "Make the partitions of the days to come and drop those past their retention. Run it once a day."

    def handle(self, *args: Any, **options: Any) -> None:
        done = maintain_partitions()
        for verb, names in (("made", done.made), ("dropped", done.dropped)):
            for name in names:
                self.stdout.write(f"{verb} {name}")
        for name in done.kept:
            self.stderr.write(f"{name} is past its retention, but live deliveries need it; kept")
        if done.elsewhere:
            self.stderr.write("Another process is maintaining partitions.")
        problems = [f"{name} has to wait for the next run: {why}" for name, why in done.failed]
        problems += [strays.sentence() for strays in done.strays]
        if problems:
            raise CommandError("\n".join(problems), returncode=FAILURES)
