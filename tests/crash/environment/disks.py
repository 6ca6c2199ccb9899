"""A small disk below one directory of a stopped server, and what fills it."""

import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

_STEP = 1 << 20  # bytes allocated at once, down to one page
_PAGE = 4096


class SmallDisk:
    """A tmpfs over `directory`, whose files are in it; on leaving the block they move back, as they are then.

    Nothing may have the directory open when the block begins and ends.

    Args:
        room: bytes beyond what is in the directory now.
    """

    def __init__(self, directory: Path, *, room: int) -> None:
        self._directory = directory
        self._below = directory.with_name(f"{directory.name}.below")
        self._filler = directory / "filler"
        self._room = room

    @staticmethod
    def why_not() -> str | None:
        """In words, why this machine cannot; None where it can."""
        if os.geteuid() != 0:
            return "mounting a small disk takes root"
        if shutil.which("mount") is None:
            return "there is no `mount` to make a small disk with"
        # A container's root may not mount either, and says so only when it is tried.
        tried = subprocess.run(
            ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
        )
        return f"mounting is refused: {tried.stderr.decode().strip()}" if tried.returncode else None

    def __enter__(self) -> Self:
        status = self._directory.stat()
        size = self._room + sum(_allocated(path) for path in self._directory.rglob("*"))
        self._directory.rename(self._below)
        self._directory.mkdir()
        options = f"size={size},mode=0700,uid={status.st_uid},gid={status.st_gid}"
        _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._directory))
        _run("cp", "-a", f"{self._below}/.", str(self._directory))
        return self

    def __exit__(self, *_: object) -> None:
        self.free()
        shutil.rmtree(self._below)
        _run("cp", "-a", f"{self._directory}/.", str(self._below))
        _run("umount", str(self._directory))
        self._directory.rmdir()
        self._below.rename(self._directory)

    @property
    def left(self) -> int:
        """Bytes."""
        status = os.statvfs(self._directory)
        return status.f_bavail * status.f_frsize

    def fill(self) -> None:
        """To the last page; what is written meanwhile may be the one that gets it."""
        with self._filler.open("ab") as file:
            end, step = file.tell(), _STEP
            while step >= _PAGE:
                try:
                    os.posix_fallocate(file.fileno(), end, step)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2
                else:
                    end += step

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


def _allocated(path: Path) -> int:
    """Whole pages, as tmpfs counts."""
    return -(-path.lstat().st_size // _PAGE) * _PAGE + _PAGE


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
