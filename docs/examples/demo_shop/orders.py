"""The shop's book of orders."""

import sqlite3
import threading

SCHEMA = """
CREATE TABLE IF NOT EXISTS received_webhook (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS fulfilled_order (payment TEXT PRIMARY KEY, amount INTEGER, currency TEXT);
"""


class Orders:
    """Orders in one SQLite file; safe to use from many threads."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(SCHEMA)

    def fulfil(self, *, webhook_id: str, payment: str, amount: int, currency: str) -> bool:
        """Fulfil the order of a payment; false when this webhook came before.

        Webhooks arrive at least once and their id never changes. Id and order are written in one
        transaction: a crash between them would lose an order or fulfil one twice.
        """
        with self._lock, self._database as transaction:
            seen = transaction.execute(
                "INSERT INTO received_webhook (id) VALUES (?) ON CONFLICT DO NOTHING", (webhook_id,)
            )
            if seen.rowcount == 0:
                return False
            transaction.execute(
                "INSERT INTO fulfilled_order (payment, amount, currency) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (payment, amount, currency),
            )
            return True

    def all(self) -> list[dict[str, object]]:
        with self._lock:
            rows = self._database.execute(
                "SELECT payment, amount, currency FROM fulfilled_order ORDER BY rowid"
            )
            return [
                {"payment": payment, "amount": amount, "currency": currency}
                for payment, amount, currency in rows
            ]
