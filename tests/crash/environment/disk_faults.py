"""The disk below PostgreSQL is full: that of the tables, or that of the write-ahead log."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

import psycopg2

from tests.acceptance.server import Server
from tests.crash.environment.disks import SmallDisk
from tests.crash.environment.postgres import is_running, is_up, log_of, run_sql
from tests.crash.environment.under_load import Surroundings, await_load, await_refusal
from tests.crash.faults import Size
from tests.crash.process_faults import pause, start_paying
from tests.crash.scene import Scene
from tests.processes import until

MIB = 1 << 20
_MOST_WAL = "128MB"
_FULL = "No space left on device"


class _DiskFull(Surroundings):
    row = "disk full (heap, WAL)"
    quick = Size(strikes=1, payments=20)
    long = Size(strikes=5, payments=200)
    directory: ClassVar[str]  # of the cluster's data
    room: ClassVar[int]

    def why_not(self) -> str | None:
        return SmallDisk.why_not()

    def arrange(self, scene: Scene) -> None:
        self.disk = scene.open.enter_context(on_small_disk(scene.postgres, self.directory, room=self.room))
        self.api = start_paying(scene)


class HeapFull(_DiskFull):
    name = "disk_full_heap"
    directory = "base"
    room = 256 * MIB

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            self.disk.fill()
            await_refusal(scene, self.api)
            pause(scene.random.uniform(0.0, 1.0))
            self.disk.free()


class WalFull(_DiskFull):
    """PostgreSQL panics; what it does next it does again until there is space, or it stays down."""

    name = "disk_full_wal"
    directory = "pg_wal"
    room = 384 * MIB

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        postmaster = scene.postgres.postmaster
        with scene.outage():
            self.disk.fill()
            panics = _panics(scene.postgres)
            until(lambda: _wal_is_used_up(scene.postgres, panics), what="a panic of PostgreSQL")
            await_refusal(scene, self.api)
            pause(scene.random.uniform(0.0, 1.0))
            self.disk.free()
            until(
                lambda: not is_running(postmaster) or is_up(scene.postgres),
                what="PostgreSQL's end or recovery",
            )
            if not is_running(postmaster):
                scene.postgres.stop()
                scene.postgres.start_again()


def _wal_is_used_up(postgres: Server, panics: int) -> bool:
    """Goes on to the log's next segment, which there is until those that were made ahead are used up."""
    with suppress(psycopg2.Error):
        run_sql(postgres, "SELECT pg_switch_wal()")
    return _panics(postgres) > panics


def _panics(postgres: Server) -> int:
    return sum("PANIC:" in line and _FULL in line for line in log_of(postgres).splitlines())


@contextmanager
def on_small_disk(postgres: Server, directory: str, *, room: int) -> Iterator[SmallDisk]:
    """One directory of the data on a disk with so many bytes more; the server restarts before and after."""
    run_sql(postgres, f"ALTER SYSTEM SET max_wal_size = '{_MOST_WAL}'")
    postgres.stop()
    try:
        with SmallDisk(postgres.home / "data" / directory, room=room) as disk:
            postgres.start_again()
            try:
                yield disk
            finally:
                postgres.stop()
    finally:
        postgres.start_again()
        run_sql(postgres, "ALTER SYSTEM RESET max_wal_size")
        run_sql(postgres, "SELECT pg_reload_conf()")
