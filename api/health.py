"""For load balancers and supervisors: is the process alive, and can it serve."""

from django.db import DEFAULT_DB_ALIAS, Error
from django.db import connections as django_connections  # noqa: TID251 - the migration executor asks for one
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from api.answers import Answer, encode
from outbox.database import fetch_all
from outbox.sql import statements

_SQL = statements("api.sql")
# Migrations that are applied stay applied while this process lives, so only a no is asked again.
_migrated: set[str] = set()


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Says nothing of the database: restarting us would not mend that."""
    return _status(200, "ok")


def readyz(_request: HttpRequest) -> HttpResponse:
    """PostgreSQL answers and has every migration that this code knows."""
    try:
        if DEFAULT_DB_ALIAS not in _migrated:
            if _unapplied():
                return _status(503, "migrations are not applied: run manage.py migrate")
            _migrated.add(DEFAULT_DB_ALIAS)
        else:
            fetch_all(_SQL["database_answers"], {})
    except Error:
        return _status(503, "the database does not answer")
    return _status(200, "ok")


def _unapplied() -> bool:
    executor = MigrationExecutor(django_connections[DEFAULT_DB_ALIAS])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _status(status: int, text: str) -> HttpResponse:
    return Answer(status, encode({"status": text}), {"Cache-Control": "no-store"}).response()
