"""A program of the host that records events, one transaction each, and logs each that was acknowledged.

A line is written when COMMIT has returned: what stands in the log must be in the database. An event whose
COMMIT got no answer stands in no line and may be there.
"""

import argparse
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from django.db import Error, connections, transaction

from outbox.database import database_failed
from outbox.identifiers import new_uuid
from outbox.recording import record_event

TYPE = "parcel.sent"
_PAUSE = 0.1  # seconds, after the database failed


def main(arguments: Sequence[str]) -> int:
    """Until SIGTERM."""
    parser = argparse.ArgumentParser(prog="tests.crash.recorder")
    parser.add_argument("--log", type=Path, required=True, help="file that ids are appended to, a line each")
    parser.add_argument("--owners", required=True, help="whose events, in turn, with commas between")
    parser.add_argument("--rate", type=float, required=True, help="events/s at most")
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args(arguments)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    threads = [
        threading.Thread(
            target=_record, args=(options.owners.split(","), options.rate / options.threads, log, stop)
        )
        for _ in range(options.threads)
    ]
    for thread in threads:
        thread.start()
    # Signals are handled by this thread: it has to run now and then.
    while not stop.wait(0.1):
        pass
    for thread in threads:
        thread.join()
    return 0


def _record(owners: list[str], rate: float, log: int, stop: threading.Event) -> None:
    begun = time.monotonic()
    number = 0
    while not stop.is_set():
        early = begun + number / rate - time.monotonic()
        if early > 0 and stop.wait(early):
            break
        owner = owners[number % len(owners)]
        number += 1
        parcel = f"parcel_{new_uuid().hex}"
        try:
            with transaction.atomic(durable=True):
                event = record_event(owner=owner, type=TYPE, object_id=parcel, data={"id": parcel})
        except Error as error:
            if not database_failed(error):
                raise
            with suppress(Error):
                connections.close_all()
            stop.wait(_PAUSE)
            continue
        os.write(log, f"{event.public_id}\n".encode())
    connections.close_all()
