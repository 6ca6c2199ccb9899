"""A database that is out of reach or has not been migrated, in one sentence: everybody meets it on the first day."""

from django.db import Error, OperationalError, ProgrammingError

# Undefined table, column, function.
_NOT_MIGRATED = frozenset({"42P01", "42703", "42883"})
# Connection exception, too little of something (connections, memory, disk), operator intervention.
_AWAY = ("08", "53", "57P")


def unusable_database(error: Error) -> str | None:
    """What to do about it; None for what a database that works refuses."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    code: str | None = getattr(error.__cause__, "pgcode", None)
    # psycopg2 gives no code where there was no connection to give one.
    if isinstance(error, OperationalError) and (code is None or code.startswith(_AWAY)):
        return f"cannot reach PostgreSQL: {reason}. Check that it runs, and that DATABASE_URL names a database of it."
    if isinstance(error, ProgrammingError) and code in _NOT_MIGRATED:
        return f"the database is not ready ({reason}); run: manage.py migrate"
    return None
