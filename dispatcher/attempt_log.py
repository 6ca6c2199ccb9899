"""What a dispatcher tells: attempts on stdout, talk on stderr.

JSON lines for machines; on a terminal the readable form. By default a terminal sees every attempt; elsewhere
successes are counted and told once a second, since every attempt is a row of the database anyway and a line
for each would cost as much as sending it. Never a body, a secret, a signature or the
query of a URL.
"""

import json
import os
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import urlsplit

from dispatcher.claims import Claim
from dispatcher.recording import Recorded
from outbox.config import log_format
from outbox.database import first_line
from outbox.identifiers import encode_id
from outbox.tracing import trace_id_of

_COUNT_INTERVAL = 1.0  # seconds
_GREEN, _RED, _RESET = "\x1b[32m", "\x1b[31m", "\x1b[0m"


class AttemptLog:
    """Writes what happened.

    Parameters:
        readable: for people, not machines (default: as OUTBOX["LOG_FORMAT"] says, else whether stdout is a terminal).
        every_attempt: a line for each, not only for those that failed (default: whether stdout is a terminal).
    """

    def __init__(
        self,
        *,
        max_attempts: int,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        readable: bool | None = None,
        every_attempt: bool | None = None,
    ) -> None:
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._max_attempts = max_attempts
        chosen, terminal = log_format(), self._stdout.isatty()
        if readable is None:
            readable = terminal if chosen == "auto" else chosen == "text"
        self._readable = readable
        self._sentences_as_json = chosen == "json"
        self._every_attempt = terminal if every_attempt is None else every_attempt
        self._succeeded = 0  # not told yet
        self._told_at = time.monotonic()
        self.last_error: tuple[datetime, str] | None = None  # what failed last, and when
        self._coloured = "FORCE_COLOR" in os.environ or (
            self._readable and self._stdout.isatty() and "NO_COLOR" not in os.environ
        )

    def claimed(self, claims: Iterable[Claim]) -> None:
        """On a terminal, what is about to be sent."""
        if not (self._readable and self._every_attempt):
            return
        for claim in claims:
            if claim.event is not None:
                self._print(f"--> {claim.event.type} [{claim.event.public_id}]")
        self._stdout.flush()

    def attempted(self, recorded: Iterable[Recorded]) -> None:
        """One line each, or each that failed and a count of the others; written at once."""
        if not self._every_attempt:
            recorded = self._without_successes(recorded)
        if self._readable:
            for one in recorded:
                self._print(self._sentence(one))
        else:
            moment = datetime.now(tz=UTC).isoformat()
            self._stdout.write("".join([json.dumps(self._fields(one, moment)) + "\n" for one in recorded]))
        self._stdout.flush()

    def close(self) -> None:
        """Tell what was counted and not told yet."""
        self._tell_count()
        self._stdout.flush()

    def _without_successes(self, recorded: Iterable[Recorded]) -> list[Recorded]:
        told = []
        for one in recorded:
            if one.attempted.outcome.succeeded and not one.superseded:
                self._succeeded += 1
            else:
                told.append(one)
        if time.monotonic() - self._told_at >= _COUNT_INTERVAL:
            self._tell_count()
        return told

    def _tell_count(self) -> None:
        now = time.monotonic()
        if self._succeeded:
            seconds = now - self._told_at
            if self._readable:
                self._print(f"<-- {self._succeeded} deliveries succeeded in {seconds:.1f} s")
            else:
                moment = datetime.now(tz=UTC).isoformat()
                fields = {
                    "event": "deliveries.succeeded",
                    "timestamp": moment,
                    "count": self._succeeded,
                    "seconds": round(seconds, 1),
                }
                self._stdout.write(f"{json.dumps(fields)}\n")
        self._succeeded = 0
        self._told_at = now

    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        """A part of a cycle that fails by itself, while the rest goes on."""
        sentence = f"cannot {part.replace('_', ' ')} {subject}: {first_line(error)}"
        self.last_error = datetime.now(tz=UTC), sentence
        self.tell(f"{sentence}; the rest goes on")

    def tell(self, sentence: str) -> None:
        """Something to people, on stderr."""
        line = sentence
        if self._sentences_as_json:
            moment = datetime.now(tz=UTC).isoformat()
            line = json.dumps({"event": "dispatcher.told", "timestamp": moment, "message": sentence})
        self._stderr.write(f"{line}\n")
        self._stderr.flush()

    def _fields(self, one: Recorded, moment: str) -> dict[str, Any]:
        claim, outcome = one.attempted.claim, one.attempted.outcome
        return {
            "event": "delivery.attempted",
            "timestamp": moment,
            "delivery": encode_id("dlv", claim.delivery_id),
            "event_id": encode_id("evt", claim.event_id),
            "event_type": claim.event.type if claim.event else None,
            "endpoint": encode_id("we", claim.endpoint.id),
            "attempt": claim.attempt_number,
            "claim_no": claim.claim_no,
            "outcome": "succeeded" if outcome.succeeded else "failed",
            "status": outcome.status,
            "code": outcome.failure_code,
            "ms": None if outcome.timings.total_ms is None else round(outcome.timings.total_ms, 1),
            "next_attempt_at": one.next_attempt_at.isoformat() if one.next_attempt_at else None,
            "superseded": one.superseded,
            "trace_id": trace_id_of(claim.event.traceparent) if claim.event else None,
        }

    def _sentence(self, one: Recorded) -> str:
        claim, outcome = one.attempted.claim, one.attempted.outcome
        delivery = encode_id("dlv", claim.delivery_id)
        milliseconds = outcome.timings.total_ms or 0.0
        label = str(outcome.status) if outcome.status is not None else "ERR"
        if self._coloured:
            label = f"{_GREEN if outcome.succeeded else _RED}{label}{_RESET}"
        if outcome.succeeded:
            return (
                f"<-- [{label}] POST {_without_query(claim.endpoint.url)} ({milliseconds:.0f} ms) "
                f"attempt {claim.attempt_number} [{delivery}]"
            )
        return (
            f"<-- [{label}] {outcome.detail}, attempt {claim.attempt_number}/{self._max_attempts}, "
            f"{self._what_follows(one)} [{delivery}]"
        )

    @staticmethod
    def _what_follows(one: Recorded) -> str:
        if one.superseded:
            return "superseded by a later claim"
        if one.next_attempt_at is None:
            return "dead-lettered"
        return f"next {one.next_attempt_at.astimezone():%H:%M:%S}"

    def _print(self, text: str) -> None:
        self._stdout.write(f"{datetime.now(tz=UTC).astimezone():%H:%M:%S}  {text}\n")


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
