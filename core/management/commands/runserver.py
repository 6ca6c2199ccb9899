import os
from typing import Any

from django.contrib.staticfiles.management.commands.runserver import Command as RunServer
from django.db import Error

from core.management.unusable_database import unusable_database


class Command(RunServer):
    """Django's, which waits behind a traceback for a change of the source where the database cannot be reached."""

    def check_migrations(self) -> Any:
        try:
            return super().check_migrations()
        except Error as error:
            sentence = unusable_database(error)
            if sentence is None:
                raise
            self.stderr.write(f"error: {sentence}")
            # As Django does for a port that is taken: the reloader runs this in a thread, which cannot end
            # the process otherwise; and to the reloader 3 would mean to begin anew.
            os._exit(1)
