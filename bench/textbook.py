"""The textbook way, for comparison: SKIP LOCKED LIMIT 100, a Session of requests in 16 threads, a commit each.

Sends the same bodies with the same two signatures and writes the same three facts: the delivery's end, the
attempt, and that the delivery is no longer due.
"""

import os
import threading

import psycopg2
import psycopg2.extras
import requests
from cryptography.fernet import Fernet

from core.versions import render_event
from dispatcher.signing import SigningKeys
from outbox.facts import EventFacts

THREADS = 16
BATCH = 100

CLAIM = """
UPDATE dispatcher_delivery SET lease_owner = gen_random_uuid(), due_at = now() + interval '30 seconds'
WHERE id IN (
    SELECT id FROM dispatcher_delivery WHERE due_at <= now() AND lease_owner IS NULL
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id, endpoint_id, event_id
"""


class Textbook:
    """Sixteen threads, each with a connection and a session of its own."""

    def __init__(self) -> None:
        fernet = Fernet(os.environ["WEBHOOK_SECRET_KEYS"])
        with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, url, secret FROM dispatcher_endpoint")
            self.endpoints = {
                id_: (url, SigningKeys(fernet.decrypt(secret.encode()).decode()))
                for id_, url, secret in cursor.fetchall()
            }

    def run(self) -> None:
        threads = [threading.Thread(target=self._work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        session = requests.Session()
        while True:
            with connection, connection.cursor() as cursor:
                cursor.execute(CLAIM, (BATCH,))
                rows = cursor.fetchall()
            if not rows:
                return
            for row in rows:
                self._deliver(connection, session, *row)

    def _deliver(
        self,
        connection: psycopg2.extensions.connection,
        session: requests.Session,
        delivery_id: object,
        endpoint_id: object,
        event_id: object,
    ) -> None:
        url, keys = self.endpoints[endpoint_id]
        with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(
                "SELECT id, owner, type, object_id, data, request_id, idempotency_key "
                "FROM outbox_event WHERE id = %s",
                (event_id,),
            )
            event = EventFacts(**dict(cursor.fetchone() or {}))
        body = render_event(event, "2026-10-28.endive")
        headers = keys.headers(message_id=event.public_id, timestamp=1_700_000_000, body=body)
        response = session.post(url, data=body, headers=headers, timeout=(5, 15))
        with connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM dispatcher_delivery WHERE id = %s RETURNING owner", (delivery_id,))
            cursor.execute(
                "INSERT INTO dispatcher_finished_delivery "
                "(id, owner, endpoint_id, event_id, state, attempts, resend_no, finished_at) "
                "VALUES (%s, %s, %s, %s, 'succeeded', 1, 0, now())",
                (delivery_id, event.owner, endpoint_id, event_id),
            )
            cursor.execute(
                "INSERT INTO dispatcher_attempt "
                "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, status, response) "
                "VALUES (outbox_uuid7(), %s, %s, %s, 1, 1, now(), 'succeeded', %s, %s)",
                (delivery_id, endpoint_id, event_id, response.status_code, response.content),
            )


if __name__ == "__main__":
    psycopg2.extras.register_uuid()  # type: ignore[no-untyped-call]
    Textbook().run()
