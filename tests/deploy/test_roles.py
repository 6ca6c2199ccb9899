"""Each process does its work as its own SQL role, and that role may do nothing else."""

import urllib.request
from contextlib import ExitStack

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from core.roles import API, DISPATCHER, GRANTS, MAINTENANCE, OWNERS_FUNCTIONS, ROLES, SETTLEMENT, role_name
from tests.acceptance.client import ApiClient
from tests.acceptance.evidence import everything_ended
from tests.acceptance.kernel import needs_proc
from tests.acceptance.payers import Payers
from tests.acceptance.product import Product
from tests.acceptance.shop import Shop
from tests.deploy.deployment import Deployment
from tests.deploy.production import manage
from tests.processes import until
from tools.demo.ports import reserved_port

pytestmark = pytest.mark.postgres_versions

PAYMENTS = 24
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
OLD = (
    "dispatcher_attempt_20200101",
    "016f5e66-e800-7000-8000-000000000000",
    "016f638d-4400-7000-8000-000000000000",
)


@pytest.mark.acceptance
@needs_proc
def test_the_product_runs_with_a_role_for_each_process(deployment: Deployment, shop: Shop) -> None:
    with ExitStack() as stack, reserved_port(0) as metrics_port, reserved_port(0) as relay_port:
        owner, api_role, settlement_role, dispatcher_role = (
            stack.enter_context(Product(url))
            for url in (deployment.owner_url, *map(deployment.url, (API, SETTLEMENT, DISPATCHER)))
        )
        api_key = owner.create_api_key()
        api = api_role.start_api()
        settlement = settlement_role.start_settlement()
        dispatcher = dispatcher_role.start_dispatcher("--metrics-port", str(metrics_port))
        relay = api_role.start_cli_relay(relay_port)
        dispatcher.says("dispatcher ready")
        with ApiClient(api.port, api_key) as client:
            for path, events in (("/all", ["*"]), ("/final", ["payment_intent.succeeded"])):
                made = client.post(
                    "/webhook_endpoints/", {"url": shop.url(path), "enabled_events": events}, key=path
                )
                assert made.status == 201, made
            with Payers(port=api.port, api_key=api_key, count=4) as payers:
                payers.order(range(PAYMENTS))
            refund_that_ends_later(client)
            until(lambda: everything_ended(deployment.owner_url), what="the end of every delivery")
            assert {one["state"] for one in client.all("/deliveries/")} == {"succeeded"}
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
            metrics = answer.read().decode()
        for process in (settlement, dispatcher, relay, api.command):
            owner.stop(process)
            assert "permission denied" not in process.output()
    assert deployment.rows("SELECT status, settle_at FROM core_refund") == [("succeeded", None)]
    assert len({request.event_id for request in shop.received}) > 2 * PAYMENTS
    assert 'dispatcher_default_partition_rows{table="outbox_event"} 0.0' in metrics


def refund_that_ends_later(client: ApiClient) -> None:
    """Settlement ends it, with its entries in the ledger."""
    payment = {"amount": 900, "currency": "usd", "payment_method": "pm_card_pendingRefund", "confirm": True}
    intent = client.post("/payment_intents/", payment, key="refunded").content
    assert client.post("/refunds/", {"payment_intent": intent["id"]}, key="refund").status == 201
    until(lambda: client.all("/refunds/")[0]["status"] == "succeeded", what="the end of the refund")


def test_maintenance_makes_and_drops_partitions_and_no_other_role_does(deployment: Deployment) -> None:
    deployment.rows("SELECT outbox_make_partition('dispatcher_attempt', %s, %s, %s)", *OLD)
    (newest,) = deployment.rows(
        "SELECT max(relname)::text FROM pg_class WHERE relname ~ '^api_request_log_[0-9]+$'"
    )[0]
    deployment.rows(f"DROP TABLE {newest}")
    for role in (API, DISPATCHER, SETTLEMENT):
        done = manage("maintain_partitions", database_url=deployment.url(role))
        assert done.returncode != 0
        assert (done.stdout, "permission denied" in done.stderr) == ("", True), role
    done = manage("maintain_partitions", database_url=deployment.url(MAINTENANCE))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"made {newest}", f"dropped {OLD[0]}"]


def test_what_runs_with_the_owners_rights_drops_partitions_alone(deployment: Deployment) -> None:
    with pytest.raises(psycopg2.errors.RaiseException, match="is no partition"):
        deployment.rows("SELECT outbox_drop_partition('outbox_event', 'core_api_key')", role=MAINTENANCE)


# What each role is not to do, whatever process it was taken from.
REFUSED = {
    API: [
        "INSERT INTO core_api_key SELECT * FROM core_api_key",
        "UPDATE core_api_key SET revoked_at = NULL",
        "UPDATE core_api_key SET token_hash = token_hash",
        "INSERT INTO core_account SELECT * FROM core_account",
        "UPDATE outbox_event SET data = data",
        "DELETE FROM outbox_event",
        "UPDATE core_ledger_entry SET amount = 0",
        "DELETE FROM core_balance_transaction",
        "UPDATE core_bank_answer SET approved = true",
        "DELETE FROM core_payment_intent",
        "DELETE FROM api_request_log",
        "UPDATE api_audit_entry SET actor = actor",
        "DELETE FROM api_audit_entry",
        "UPDATE auth_user SET is_superuser = true",
        "DELETE FROM dispatcher_attempt",
        "UPDATE dispatcher_attempt SET outcome = outcome",
        "SELECT outbox_drop_partition('outbox_event', 'outbox_event_default')",
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION to_regclass(text) RETURNS regclass LANGUAGE sql AS 'SELECT NULL::regclass'",
        "DROP TABLE core_customer",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
    DISPATCHER: [
        "SELECT token_hash FROM core_api_key",
        "SELECT id FROM core_api_key",
        "SELECT * FROM core_payment_intent",
        "SELECT * FROM core_payment_method",
        "SELECT * FROM core_customer",
        "SELECT * FROM core_account",
        "SELECT * FROM core_ledger_entry",
        "SELECT * FROM api_idempotency_key",
        "SELECT * FROM api_request_log",
        "SELECT * FROM api_cli_secret",
        "UPDATE outbox_event SET data = data",
        "DELETE FROM outbox_event",
        "INSERT INTO dispatcher_endpoint SELECT * FROM dispatcher_endpoint",
        "DELETE FROM dispatcher_attempt",
        "SELECT outbox_drop_partition('outbox_event', 'outbox_event_default')",
        "TRUNCATE dispatcher_delivery",
    ],
    SETTLEMENT: [
        "SELECT token_hash FROM core_api_key",
        "SELECT * FROM core_account",
        "SELECT secret FROM dispatcher_endpoint",
        "SELECT * FROM dispatcher_delivery",
        "SELECT * FROM api_request_log",
        "INSERT INTO core_payment_intent SELECT * FROM core_payment_intent",
        "UPDATE core_ledger_entry SET amount = 0",
        "DELETE FROM outbox_event",
    ],
    MAINTENANCE: [
        "SELECT token_hash FROM core_api_key",
        "SELECT data FROM outbox_event",
        "SELECT * FROM core_payment_intent",
        "SELECT secret FROM dispatcher_endpoint",
        "SELECT * FROM outbox_pending",
        "SELECT response FROM dispatcher_attempt",
        "DROP TABLE outbox_event_default",
        "DELETE FROM dispatcher_delivery",
    ],
}


@pytest.mark.parametrize(
    ("role", "statement"), [(role, statement) for role, all_ in REFUSED.items() for statement in all_]
)
def test_a_role_is_refused_what_its_process_has_no_use_for(
    deployment: Deployment, role: str, statement: str
) -> None:
    with pytest.raises(InsufficientPrivilege):
        deployment.rows(statement, role=role)


def test_every_relation_is_in_the_table(deployment: Deployment) -> None:
    found = deployment.rows(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND (relkind IN ('r', 'p', 'v', 'm') OR relname = 'outbox_pending_sequence') AND NOT relispartition"
    )
    assert {name for (name,) in found} == set(GRANTS)


def granted(deployment: Deployment) -> set[tuple[str, str, str]]:
    """(relation, role, privilege) of whole relations, as PostgreSQL judges."""
    roles = {role_name(deployment.prefix, role): role for role in ROLES}
    found = deployment.rows(
        "SELECT relation, role, privilege"
        " FROM unnest(%s) AS relation, unnest(%s) AS role, unnest(%s) AS privilege"
        " WHERE has_table_privilege(role, relation, privilege)",
        [name for name in GRANTS if not name.endswith("_sequence")],
        list(roles),
        list(PRIVILEGES),
    )
    return {(relation, roles[role], privilege) for relation, role, privilege in found}


def test_privileges_are_those_of_the_table_and_no_others(deployment: Deployment) -> None:
    intended = {
        (relation, role, privilege.strip())
        for relation, grants in GRANTS.items()
        for role, privileges in grants.items()
        for privilege in privileges.split(",")
        if "(" not in privilege and not relation.endswith("_sequence")
    }
    assert granted(deployment) == intended
    columns = deployment.rows(
        "SELECT attrelid::regclass::text, attname::text, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL"
        " AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
    )
    assert {(relation, column) for relation, column, _ in columns} == {
        ("api_entry_link", "expires_at"),
        ("api_entry_link", "used_at"),
        ("auth_user", "is_active"),
        ("auth_user", "last_login"),
        ("auth_user", "password"),
        ("core_api_key", "last_used_at"),
        ("outbox_pending", "event_id"),
    }


def test_making_them_again_takes_away_what_was_added_by_hand(deployment: Deployment) -> None:
    role = role_name(deployment.prefix, DISPATCHER)
    before = granted(deployment)
    deployment.rows(f"GRANT SELECT ON core_api_key TO {role}")
    deployment.rows(f"GRANT SELECT (email) ON core_customer TO {role}")
    said = deployment.make_roles()
    assert said.splitlines() == [f"kept {role_name(deployment.prefix, one)}" for one in ROLES]
    assert granted(deployment) == before
    with pytest.raises(InsufficientPrivilege):
        deployment.rows("SELECT email FROM core_customer", role=DISPATCHER)


def test_a_dry_run_prints_and_makes_nothing(deployment: Deployment) -> None:
    other = f"{deployment.prefix}x"
    done = manage("make_roles", "--prefix", other, "--dry-run", database_url=deployment.owner_url)
    assert done.returncode == 0
    for role in ROLES:
        assert f'CREATE ROLE "{role_name(other, role)}"' in done.stdout
    for function in OWNERS_FUNCTIONS:
        assert f'ALTER FUNCTION "public".{function} SECURITY DEFINER' in done.stdout
    assert deployment.rows("SELECT FROM pg_roles WHERE starts_with(rolname, %s)", other) == []


@pytest.mark.parametrize("excess", ["ALTER ROLE {role} CREATEDB", "GRANT pg_read_all_data TO {role}"])
def test_a_role_that_grants_cannot_hold_back_is_refused(deployment: Deployment, excess: str) -> None:
    role = role_name(deployment.prefix, MAINTENANCE)
    deployment.rows(excess.format(role=role))
    try:
        done = manage("make_roles", "--prefix", deployment.prefix, database_url=deployment.owner_url)
        assert done.returncode == 1
        assert role in done.stderr
    finally:
        deployment.rows(f"ALTER ROLE {role} NOCREATEDB")
        deployment.rows(f"REVOKE pg_read_all_data FROM {role}")


def test_a_prefix_that_is_no_name_is_refused(deployment: Deployment) -> None:
    done = manage("make_roles", "--prefix", 'a"; DROP', database_url=deployment.owner_url)
    assert done.returncode == 2
    assert "lower-case" in done.stderr
