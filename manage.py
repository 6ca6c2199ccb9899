#!/usr/bin/env python
"""Django's command line for Mini Stripe."""

import os
import sys

DATABASE_UNREACHABLE = 3


def main() -> None:
    """Run the command. A database that is out of reach or not migrated ends any of them with one sentence and 3."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    from django.core.management import execute_from_command_line
    from django.db import Error

    try:
        execute_from_command_line(sys.argv)
    except Error as error:
        from core.management.unusable_database import unusable_database

        sentence = unusable_database(error)
        if sentence is None or "--traceback" in sys.argv:
            raise
        sys.stderr.write(f"error: {sentence}\n")
        sys.exit(DATABASE_UNREACHABLE)


if __name__ == "__main__":
    main()
