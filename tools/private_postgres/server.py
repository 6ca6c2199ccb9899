"""The owner's side: start a keeper, hold its pipe, know the URL, stop it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.failures import Failure
from tools.private_postgres.binaries import Binaries, find_binaries
from tools.private_postgres.cluster import socket_fits
from tools.private_postgres.keeper import LOCK_NAME, Order, argument

REPOSITORY = Path(__file__).resolve().parents[2]
# Not $TMPDIR: its path may be long (macOS) or closed to the server's account (root).
TEMPORARY_PLACE = Path("/var/tmp")
TEMPORARY_PREFIX = "ministripe-pg-"
KEEPER_PROGRAM = "from tools.private_postgres.keeper import main; raise SystemExit(main())"
# A home without a lock may be one that is being made right now.
ABANDONED_SECONDS = 600.0


class PrivatePostgres:
    """A private server, running inside `with`.

    Without `home` (or as root, whose directories the server's account cannot enter) it lives in a new
    directory under /var/tmp. A temporary server's home is removed at the end, and one left there by a
    killed run is removed at the next start. `durable=False` gives up fsync for speed.
    """

    def __init__(
        self,
        *,
        durable: bool,
        home: Path | None = None,
        temporary: bool = True,
        choice: str | None = None,
    ) -> None:
        self.binaries: Binaries = find_binaries(choice)
        self.url = ""
        self._durable = durable
        self._temporary = temporary
        self._asked_home = home
        self._keeper: subprocess.Popen[str] | None = None

    @staticmethod
    def fits(home: Path) -> bool:
        """Whether a socket's path inside this home is short enough for the system."""
        return socket_fits(home.absolute())

    @property
    def home(self) -> Path:
        return self._home

    def start(self, *, detached: bool = False) -> None:
        """Return when the server accepts connections. Raises Failure, with nothing left running."""
        self._home = self._make_home()
        order = Order(
            home=str(self._home),
            binaries=str(self.binaries.directory),
            durable=self._durable,
            temporary=self._temporary,
            detached=detached,
        )
        keeper = subprocess.Popen(
            [sys.executable, "-c", KEEPER_PROGRAM, argument(order)],
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if detached else None,
            text=True,
            cwd=REPOSITORY,
            # Ctrl-C is for the owner, which stops the server after everything that uses it.
            start_new_session=True,
        )
        assert keeper.stdout is not None
        with keeper.stdout:
            line = keeper.stdout.readline()
        answer: dict[str, Any] = {"failure": ["The private PostgreSQL did not start.", "", "", ""]}
        if line:
            answer = json.loads(line)
        if failure := answer.get("failure"):
            if keeper.stdin is not None:
                keeper.stdin.close()
            keeper.wait()
            sentence, command, output, suggestion = failure
            raise Failure(sentence, command=command, output=output, suggestion=suggestion)
        self.url = answer["ready"]["url"]
        self._keeper = keeper

    def stop(self) -> None:
        """Stop the server and wait until it and its keeper are gone."""
        if self._keeper is None:
            return
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        # A process forked from ours may still hold the pipe, so the signal says it too.
        self._keeper.terminate()
        self._keeper.wait()
        self._keeper = None

    def __enter__(self) -> PrivatePostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_home(self) -> Path:
        _sweep(TEMPORARY_PLACE)
        if self._asked_home is not None and (os.geteuid() != 0 or not self._temporary):
            home = self._asked_home.absolute()
            if self._temporary and home.exists() and _is_abandoned(home, unlocked_for=0.0):
                shutil.rmtree(home)
            return home
        return Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=TEMPORARY_PLACE))


@contextlib.contextmanager
def provided_or_private(*, durable: bool, home: Path | None = None) -> Iterator[str]:
    """The URL of DATABASE_URL's server, else that of a private one that lives as long as the block."""
    if provided := os.environ.get("DATABASE_URL"):
        yield provided
        return
    with PrivatePostgres(durable=durable, home=home) as server:
        yield server.url


def _sweep(place: Path) -> None:
    """Remove the homes whose keeper was killed."""
    for home in place.glob(f"{TEMPORARY_PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_abandoned(home, unlocked_for=ABANDONED_SECONDS):
                shutil.rmtree(home, ignore_errors=True)


def _is_abandoned(home: Path, *, unlocked_for: float) -> bool:
    """Whether no keeper holds the home; one without a lock file counts after `unlocked_for` seconds."""
    try:
        descriptor = os.open(home / LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return time.time() - home.stat().st_mtime >= unlocked_for
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
