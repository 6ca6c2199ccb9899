"""The SQL roles of a deployment: what each process may do in PostgreSQL, and nothing else.

`GRANTS` is the whole of it. Privileges of a partitioned table are those of its partitions too, as long as these are
reached through it: partitions that are made later need no grant of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

API, DISPATCHER, SETTLEMENT, MAINTENANCE = "api", "dispatcher", "settlement", "maintenance"
ROLES = (API, DISPATCHER, SETTLEMENT, MAINTENANCE)
DEFAULT_PREFIX = "ministripe"
PREFIX = re.compile(r"[a-z][a-z0-9_]{0,39}")

READ = "SELECT"
ADD = "SELECT, INSERT"
CHANGE = "SELECT, INSERT, UPDATE"
ALL = "SELECT, INSERT, UPDATE, DELETE"

# Relation → role → privileges. A relation that nobody but its owner may touch has none.
GRANTS: Mapping[str, Mapping[str, str]] = {
    # Accounts and keys are made by `create_api_key`, which runs as the owner.
    "core_account": {API: READ},
    "core_api_key": {API: "SELECT, UPDATE (last_used_at)"},
    "core_customer": {API: CHANGE},
    "core_payment_method": {API: CHANGE, SETTLEMENT: READ},
    "core_payment_intent": {API: CHANGE, SETTLEMENT: "SELECT, UPDATE"},
    "core_setup_intent": {API: CHANGE},
    "core_bank_answer": {API: ADD, SETTLEMENT: ADD},
    "core_charge": {API: CHANGE, SETTLEMENT: CHANGE},
    "core_refund": {API: CHANGE, SETTLEMENT: "SELECT, UPDATE"},
    "core_balance_transaction": {API: ADD, SETTLEMENT: ADD},
    "core_ledger_entry": {API: ADD, SETTLEMENT: ADD},
    # Facts are added, and never changed by anybody. Locking a pointer is an UPDATE of it.
    "outbox_event": {API: ADD, SETTLEMENT: ADD, DISPATCHER: ADD},
    "outbox_pending": {API: ADD, SETTLEMENT: ADD, DISPATCHER: ALL, MAINTENANCE: "SELECT (event_id)"},
    "outbox_pending_sequence": {API: "SELECT, USAGE", SETTLEMENT: "USAGE", DISPATCHER: "SELECT, USAGE"},
    "dispatcher_endpoint": {API: CHANGE, DISPATCHER: "SELECT, UPDATE"},
    "dispatcher_lane": {API: CHANGE, DISPATCHER: "SELECT, UPDATE"},
    # A partition is dropped only while live deliveries hold still; the lock asks for UPDATE of the whole table.
    "dispatcher_delivery": {API: ALL, DISPATCHER: ALL, MAINTENANCE: "SELECT, UPDATE"},
    "dispatcher_finished_delivery": {API: ADD, DISPATCHER: ADD},
    "dispatcher_attempt": {API: ADD, DISPATCHER: CHANGE},
    "dispatcher_delivery_record": {API: READ},
    "dispatcher_stopped_key": {API: "SELECT, DELETE", DISPATCHER: "SELECT, INSERT, DELETE"},
    "dispatcher_replay": {API: CHANGE, DISPATCHER: "SELECT, UPDATE"},
    "dispatcher_rollup": {API: READ, DISPATCHER: ALL},
    "dispatcher_process": {API: READ, DISPATCHER: ALL},
    "dispatcher_pause": {API: "SELECT, INSERT, DELETE", DISPATCHER: READ},
    # Settlement forgets what is past its retention; locking a row that goes is an UPDATE of it.
    "api_idempotency_key": {API: ALL, SETTLEMENT: "SELECT, UPDATE, DELETE"},
    "api_cli_session": {API: CHANGE, SETTLEMENT: "SELECT, UPDATE, DELETE"},
    "api_cli_message": {API: CHANGE, SETTLEMENT: "SELECT, UPDATE, DELETE"},
    "api_cli_secret": {API: ADD},
    "api_portal_session": {API: CHANGE, SETTLEMENT: "SELECT, UPDATE, DELETE"},
    "api_request_log": {API: ADD},
    "api_rate_bucket": {API: CHANGE, SETTLEMENT: "SELECT, UPDATE, DELETE"},
    # Who changed what by hand is added to, and never changed by anybody.
    "api_audit_entry": {API: ADD},
    "api_used_confirmation": {API: ADD, SETTLEMENT: "SELECT, UPDATE, DELETE"},
    "api_entry_link": {
        API: "SELECT, INSERT, UPDATE (used_at), UPDATE (expires_at)",
        SETTLEMENT: "SELECT, UPDATE, DELETE",
    },
    # The operations pages: people log in, and admins say who may.
    "auth_user": {API: "SELECT, INSERT, UPDATE (last_login), UPDATE (password), UPDATE (is_active)"},
    "auth_group": {API: READ},
    "auth_user_groups": {API: "SELECT, INSERT, DELETE"},
    "auth_permission": {},
    "auth_group_permissions": {},
    "auth_user_user_permissions": {},
    "django_content_type": {},
    "django_session": {API: ALL, SETTLEMENT: "SELECT, UPDATE, DELETE"},
    # For `/readyz`.
    "django_migrations": {API: READ},
}

# Partitions belong to their table's owner, so what makes, drops and counts them runs with the owner's rights, for
# those who may call it.
OWNERS_FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "outbox_make_partition(text, text, uuid, uuid)": (MAINTENANCE,),
    "outbox_drop_partition(text, text)": (MAINTENANCE,),
    "outbox_strays(text, uuid, integer)": (MAINTENANCE, DISPATCHER, API),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The database whose roles these are."""

    database: str
    schema: str
    owner: str  # of the tables


def role_name(prefix: str, role: str) -> str:
    return f"{prefix}_{role}"


def statements(place: Place, *, prefix: str = DEFAULT_PREFIX, existing: frozenset[str]) -> Iterator[str]:
    """What makes the roles be as GRANTS says, whatever they were before; to be run in one transaction.

    Args:
        existing: the roles that there are already; the others are created, without a password.
    """
    names = {role: role_name(prefix, role) for role in ROLES}
    schema = _quoted(place.schema)
    for name in names.values():
        if name not in existing:
            yield f"CREATE ROLE {_quoted(name)} LOGIN NOINHERIT"
    # Whoever may create here could put a function of his own before one that runs with the owner's rights.
    yield f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {_quoted(place.owner)}"
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"
    everyone = ", ".join(map(_quoted, names.values()))
    yield f"GRANT CONNECT ON DATABASE {_quoted(place.database)} TO {everyone}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {everyone}"
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM {everyone}"
    for relation, grants in GRANTS.items():
        kind = "SEQUENCE" if relation.endswith("_sequence") else "TABLE"
        for role, privileges in grants.items():
            yield f"GRANT {privileges} ON {kind} {schema}.{relation} TO {_quoted(names[role])}"
    for function, roles in OWNERS_FUNCTIONS.items():
        callers = ", ".join(_quoted(names[role]) for role in roles)
        yield f"ALTER FUNCTION {schema}.{function} SECURITY DEFINER SET search_path = {schema}, pg_temp"
        yield f"REVOKE EXECUTE ON FUNCTION {schema}.{function} FROM PUBLIC"
        yield f"GRANT EXECUTE ON FUNCTION {schema}.{function} TO {callers}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
