"""The ground every contender starts from: a private durable PostgreSQL, nginx as the receiver, a backlog."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from tools.demo.ports import reserved_port
from tools.failures import Failure
from tools.private_postgres import PrivatePostgres

ROOT = Path(__file__).parent.parent
OWNER = "acct_bench"
# A payment intent as Stripe's dialect renders it is about this long.
BODY = '{"id":"pi_bench","object":"payment_intent","amount":2000,"currency":"usd","pad":"' + "x" * 900 + '"}'

NGINX = """
worker_processes 1;
daemon off;
pid {place}/pid;
error_log {place}/error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600;
    client_body_temp_path {place}/body;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "ok"; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a contender finds its database and its receiver."""

    environment: dict[str, str]
    database_url: str
    receiver: str

    def run(self, *arguments: str) -> None:
        """One program of ours to its end; raises Failure with its last lines."""
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise Failure(
                f"{arguments[0]} ended with {ended.returncode}.",
                command=" ".join(arguments),
                output="\n".join(ended.stderr.splitlines()[-10:]),
            )

    def prepare(self, *, deliveries: int, endpoints: int) -> None:
        """A fresh backlog: so many due deliveries, spread evenly over so many endpoints."""
        from cryptography.fernet import Fernet

        from dispatcher.signing import new_secret

        fernet = Fernet(self.environment["WEBHOOK_SECRET_KEYS"])
        ids = [str(uuid.uuid4()) for _ in range(endpoints)]
        with psycopg2.connect(self.database_url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE dispatcher_endpoint, dispatcher_lane, dispatcher_delivery, "
                "dispatcher_finished_delivery, dispatcher_attempt, outbox_event, outbox_pending"
            )
            for endpoint_id in ids:
                cursor.execute(
                    "INSERT INTO dispatcher_endpoint (id, owner, url, enabled_events, api_version, secret) "
                    "VALUES (%s, %s, %s, '{*}', '2026-10-28.endive', %s)",
                    (endpoint_id, OWNER, self.receiver, fernet.encrypt(new_secret().encode()).decode()),
                )
                cursor.execute(
                    "INSERT INTO dispatcher_lane (endpoint_id, max_in_flight, quantum, ready_at) "
                    "VALUES (%s, 4096, 1024, now())",
                    (endpoint_id,),
                )
            cursor.execute(
                "WITH event AS (INSERT INTO outbox_event (id, owner, type, object_id, data) "
                "SELECT outbox_uuid7(), %s, 'payment_intent.succeeded', 'pi_' || n, %s "
                "FROM generate_series(1, %s) n RETURNING id), "
                "numbered AS (SELECT id, row_number() OVER () AS n FROM event) "
                "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at) "
                "SELECT outbox_uuid7(), %s, (%s::uuid[])[1 + n %% %s], id, now() FROM numbered",
                (OWNER, BODY, deliveries, OWNER, ids, endpoints),
            )
        connection = psycopg2.connect(self.database_url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
        connection.close()


@contextmanager
def stage() -> Iterator[Stage]:
    """Everything up, on loopback and a socket only; all of it ended at the end."""
    if shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        raise Failure("nginx is not here.", suggestion="apt-get install nginx-light")
    with (
        PrivatePostgres(durable=True) as postgres,
        reserved_port(18_080) as port,
        tempfile.TemporaryDirectory(dir="/var/tmp", prefix="ministripe-bench-") as place,
    ):
        Path(place).chmod(0o755)
        environment = {
            **os.environ,
            "DATABASE_URL": postgres.url,
            "WEBHOOK_ALLOW_HTTP": "true",
            "WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8",
            "WEBHOOK_EXTRA_PORTS": "any",
            "LOCAL_SECRETS": "false",
            "SECRET_KEY": "of-a-benchmark-" + "s" * 40,
            "API_KEY_HASH_KEY": "of-a-benchmark-" + "h" * 40,
            "WEBHOOK_SECRET_KEYS": "b25seS1mb3ItYmVuY2gtb25seS1mb3ItYmVuY2gtMDE=",
        }
        with _nginx(Path(place), port) as receiver:
            ready = Stage(environment, postgres.url, receiver)
            ready.run("manage.py", "migrate", "--verbosity", "0")
            yield ready


@contextmanager
def _nginx(place: Path, port: int) -> Iterator[str]:
    configuration = place / "nginx.conf"
    configuration.write_text(NGINX.format(place=place, port=port))
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        nginx.send_signal(signal.SIGTERM)
        nginx.wait()
