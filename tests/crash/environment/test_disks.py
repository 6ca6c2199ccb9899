"""A disk of a few pages: full when it is filled, and gone with its block."""

from pathlib import Path

import pytest

from tests.acceptance.server import durable_server
from tests.crash.environment.disks import SmallDisk
from tests.crash.environment.postgres import run_sql

MIB = 1 << 20
without = SmallDisk.why_not()
pytestmark = [pytest.mark.skipif(without is not None, reason=f"{without}; run it as root of a machine")]


def test_a_filled_disk_takes_no_more_until_it_is_freed(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    (directory / "deep").mkdir(parents=True)
    (directory / "deep" / "before").write_bytes(b"x" * 10_000)
    with SmallDisk(directory, room=MIB) as disk:
        assert (directory / "deep" / "before").read_bytes() == b"x" * 10_000
        assert MIB // 2 < disk.left <= 2 * MIB
        disk.fill()
        assert disk.left == 0
        with pytest.raises(OSError, match="No space left"):
            (directory / "refused").write_bytes(b"x")
        disk.free()
        (directory / "after").write_bytes(b"y" * 10_000)
    assert not directory.is_mount()
    assert sorted(path.name for path in directory.rglob("*")) == ["after", "before", "deep", "refused"]
    assert (directory / "after").read_bytes() == b"y" * 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("part", ["base", "pg_wal"])
def test_a_server_serves_from_a_small_disk_and_from_its_own_again(part: str) -> None:
    with durable_server() as postgres:
        run_sql(postgres, "CREATE TABLE kept (word text)")
        postgres.stop()
        with SmallDisk(postgres.home / "data" / part, room=64 * MIB):
            postgres.start_again()
            run_sql(postgres, "INSERT INTO kept VALUES ('on the small disk')")
            postgres.stop()
        postgres.start_again()
        assert run_sql(postgres, "SELECT word FROM kept") == [("on the small disk",)]
