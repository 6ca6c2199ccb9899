"""A database that is out of reach or has not been migrated, in one sentence: everybody meets it on the first day."""

from django.db import Error, OperationalError

from outbox.database import connection_is_lost, first_line, schema_is_missing


def unusable_database(error: Error) -> str | None:
    """What to do about it; None for what a database that works refuses."""
    reason = first_line(error)
    if isinstance(error, OperationalError) and connection_is_lost(error):
        return f"cannot reach PostgreSQL: {reason}. Check that it runs, and that DATABASE_URL names a database of it."
    if schema_is_missing(error):
        return f"the database is not ready ({reason}); run: manage.py migrate"
    return None
