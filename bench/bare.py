"""The bare loop: the same claim, send and record as a continuous pipeline, with nothing else, for speed alone.

`python -m bench.bare --drain` delivers what is due and ends. It is the yardstick of the product: what an
engineer would write who cares for nothing but speed. Two threads as in the product, the same lanes, leases,
fences and tables, both signatures over the whole body, kept-alive connections. Left out: fan-out, retries,
holds, renderers, guards against hostile receivers, timings, kept answers, logs. Anything but a 2xx ends it.

The database thread prepares its statements once and passes whole columns as array literals; ids stay text.
The send thread drives libcurl by epoll (so it needs Linux) and leaves a descriptor registered between two
requests, which saves system calls. The answer's body goes to /dev/null inside libcurl, without a callback.
"""

import argparse
import base64
import os
import select
import sys
import threading
import time
import uuid
from _hashlib import hmac_digest as _hmac  # what hmac.digest calls
from binascii import b2a_base64
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import psycopg2
import pycurl
from cryptography.fernet import Fernet

from outbox.sql import statements

SLOTS = 256
BATCH = 512  # claimed by one cycle at most
AHEAD = 768  # claimed and not yet recorded, at most
FLUSH = 256  # results that are worth a commit
FLUSH_AFTER = 0.010
LANES = 64

# epoll's events as libcurl has them: in is 1 for both, out is 4 and 2; all else is a broken connection.
_HAPPENINGS = [events & 1 | (events & 4) >> 1 | (4 if events & ~5 else 0) for events in range(64)]

_CONTENT_TYPE = b"Content-Type: application/json; charset=utf-8"
_SQL = statements("bench.sql")
_TYPES = {
    "bare_lock_lanes": "int",
    "bare_lease": "uuid[], int, uuid",
    "bare_schedule_lanes": "uuid[], int[]",
    "bare_record": "uuid[], int[], uuid[], uuid[], uuid[], int[], float8[], int[]",
}


class Claim(NamedTuple):
    id: str
    endpoint_id: str
    event_id: str
    claim_no: int
    attempts: int
    attempt_id: str
    was_leased: bool
    type: str
    data: str


class Endpoint(NamedTuple):
    url: str
    stripe_key: bytes
    standard_key: bytes


class Database:
    """One connection; a cycle is one transaction of at most three round trips."""

    def __init__(self, url: str) -> None:
        self._owner = str(uuid.uuid4())
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self._cursor.execute(
            "SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan"
        )
        for name, types in _TYPES.items():
            self._cursor.execute(f"PREPARE {name} ({types}) AS {_SQL[name]}")

    def endpoints(self) -> dict[str, Endpoint]:
        fernet = Fernet(os.environ["WEBHOOK_SECRET_KEYS"])
        self._cursor.execute("SELECT id::text, url, secret FROM dispatcher_endpoint")
        found = {}
        for id_, url, sealed in self._cursor.fetchall():
            secret = fernet.decrypt(sealed.encode())
            found[id_] = Endpoint(url, secret, base64.b64decode(secret.removeprefix(b"whsec_")))
        return found

    def cycle(self, done: list[tuple[Claim, float, int]], room: int) -> list[Claim]:
        """Record `done` and claim up to `room`, in one transaction."""
        cursor = self._cursor
        parts, values = ["BEGIN"], []
        if done:
            claims, started, statuses = zip(*done, strict=True)
            ids, endpoints, events, numbers, attempts, attempt_ids, *_ = zip(*claims, strict=True)
            parts.append("EXECUTE bare_record (%s, %s, %s, %s, %s, %s, %s, %s)")
            values += [
                _texts(ids), _numbers(numbers), _texts(endpoints), _texts(events), _texts(attempt_ids),
                _numbers(attempts), _numbers(started), _numbers(statuses),
            ]  # fmt: skip
        if room <= 0:
            cursor.execute("; ".join([*parts, "COMMIT"]), values)
            return []
        cursor.execute("; ".join([*parts, f"EXECUTE bare_lock_lanes ({LANES})"]), values)
        lanes = [lane for (lane,) in cursor.fetchall()]
        if not lanes:
            cursor.execute("COMMIT")
            return []
        share = max(1, room // len(lanes))
        cursor.execute("EXECUTE bare_lease (%s, %s, %s)", (_texts(lanes), share, self._owner))
        leased = [Claim._make(row) for row in cursor.fetchall()]
        changes = Counter([claim.endpoint_id for claim in leased if not claim.was_leased])
        cursor.execute(
            "EXECUTE bare_schedule_lanes (%s, %s); COMMIT",
            (_texts(lanes), _numbers([changes[lane] for lane in lanes])),
        )
        return leased

    def is_empty(self) -> bool:
        self._cursor.execute("SELECT NOT EXISTS (SELECT FROM dispatcher_delivery)")
        return bool(self._cursor.fetchone()[0])  # type: ignore[index]


def _texts(column: Iterable[str]) -> str:
    return "{" + ",".join(column) + "}"


def _numbers(column: Iterable[float]) -> str:
    return "{" + ",".join(map(repr, column)) + "}"


class Slot:
    """One easy handle and what it is sending."""

    __slots__ = ("claim", "curl", "started", "url")

    def __init__(self, on_close: Callable[[int], int]) -> None:
        self.url = ""
        self.claim: Claim
        self.started: float
        curl = self.curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.USERAGENT, "bare/1.0")
        curl.setopt(pycurl.TIMEOUT_MS, 15_000)
        curl.setopt(pycurl.CLOSESOCKETFUNCTION, on_close)


class Sender(threading.Thread):
    """Keeps the slots full. `queue` comes in, `done` goes out; both are touched by one end each."""

    def __init__(self, endpoints: dict[str, Endpoint]) -> None:
        super().__init__(daemon=True)
        self.queue: deque[Claim] = deque()
        self.done: deque[tuple[Claim, float, int]] = deque()
        self.ready = threading.Event()
        self.failure = ""
        self._endpoints = endpoints
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        self._epoll = select.epoll()
        self._epoll.register(self._wake_reader, select.EPOLLIN)
        self._registered: dict[int, int] = {}
        self._timer: float | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, 2 * SLOTS)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_interest)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._free = [Slot(self._on_close) for _ in range(SLOTS)]
        self._busy: dict[Any, Slot] = {}

    def submit(self, claims: list[Claim]) -> None:
        self.queue.extend(claims)
        os.write(self._wake_writer, b"\0")

    def run(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.failure = repr(error)
            self.ready.set()
            raise

    def _run(self) -> None:
        flush_at = 0.0
        socket_action, poll = self._multi.socket_action, self._epoll.poll
        while not self.failure:
            while self._free and self.queue:
                self._begin(self._free.pop(), self.queue.popleft())
            if self._timer is not None and self._timer <= time.monotonic():
                self._timer = None
                socket_action(pycurl.SOCKET_TIMEOUT, 0)
            timeout = FLUSH_AFTER if self.done else 1.0
            if self._timer is not None:
                timeout = min(timeout, max(0.0, self._timer - time.monotonic()))
            for descriptor, events in poll(timeout, SLOTS):
                if descriptor == self._wake_reader:
                    os.read(descriptor, 4096)
                else:
                    socket_action(descriptor, _HAPPENINGS[events])
            if not self.done:
                flush_at = time.monotonic() + FLUSH_AFTER
            self._collect()
            if self.done and (len(self.done) >= FLUSH or time.monotonic() >= flush_at):
                self.ready.set()

    def _begin(self, slot: "Slot", claim: Claim) -> None:
        endpoint = self._endpoints[claim.endpoint_id]
        message_id = "evt_" + claim.event_id
        created = int(claim.event_id[:8] + claim.event_id[9:13], 16) // 1000
        body = (
            f'{{"id":"{message_id}","object":"event","api_version":"2026-10-28.endive","created":{created},'
            f'"data":{{"object":{claim.data}}},"livemode":false,"pending_webhooks":1,"request":null,'
            f'"type":"{claim.type}"}}'
        ).encode()
        now = time.time()
        moment, name = int(now), message_id.encode()
        signed = b"%d.%b" % (moment, body)
        stripe = _hmac(endpoint.stripe_key, signed, "sha256").hex()
        standard = b2a_base64(
            _hmac(endpoint.standard_key, b"%b.%b" % (name, signed), "sha256"), newline=False
        )
        curl = slot.curl
        if slot.url is not endpoint.url:
            slot.url = endpoint.url
            curl.setopt(pycurl.URL, endpoint.url)
        curl.setopt(pycurl.HTTPHEADER, [
            b"Stripe-Signature: t=%d,v1=%b" % (moment, stripe.encode()), b"webhook-id: " + name,
            b"webhook-timestamp: %d" % moment, b"webhook-signature: v1," + standard, _CONTENT_TYPE,
        ])  # fmt: skip
        curl.setopt(pycurl.POSTFIELDS, body)
        slot.claim, slot.started = claim, now
        self._busy[curl] = slot
        self._multi.add_handle(curl)

    def _collect(self) -> None:
        remove, done, free, busy = self._multi.remove_handle, self.done, self._free, self._busy
        left = 1
        while left:
            left, complete, failed = self._multi.info_read(SLOTS)
            for curl in complete:
                status = curl.getinfo(pycurl.RESPONSE_CODE)
                if status // 100 != 2:
                    raise RuntimeError(f"the receiver answered {status}")
                remove(curl)
                slot = busy.pop(curl)
                done.append((slot.claim, slot.started, status))
                free.append(slot)
            for _, code, text in failed:
                raise RuntimeError(f"a request failed: {code} {text}")

    def _on_interest(self, what: int, descriptor: int, _multi: Any, _data: Any) -> None:
        # A connection that rests stays registered for reading: it has nothing to say until its next request.
        wanted = select.EPOLLOUT | select.EPOLLIN if what & pycurl.POLL_OUT else select.EPOLLIN
        if what == pycurl.POLL_REMOVE:
            return
        known = self._registered.get(descriptor)
        if known is None:
            self._epoll.register(descriptor, wanted)
        elif known != wanted:
            self._epoll.modify(descriptor, wanted)
        self._registered[descriptor] = wanted

    def _on_close(self, descriptor: int) -> int:
        if self._registered.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)
        os.close(descriptor)
        return 0

    def _on_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bare")
    parser.add_argument("--drain", action="store_true", help="end when no delivery is left")
    options = parser.parse_args()
    # What libcurl writes without a callback goes to the standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    database = Database(os.environ["DATABASE_URL"])
    sender = Sender(database.endpoints())
    sender.start()
    outstanding = 0
    while not sender.failure:
        sender.ready.clear()
        done = [sender.done.popleft() for _ in range(len(sender.done))]
        claims = database.cycle(done, min(BATCH, AHEAD - outstanding + len(done)))
        outstanding += len(claims) - len(done)
        if claims:
            sender.submit(claims)
        elif not outstanding and not done:
            if options.drain and database.is_empty():
                return 0
            time.sleep(0.002)
        sender.ready.wait(FLUSH_AFTER)
    sys.stderr.write(f"{sender.failure}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
