"""Processes whose clock is wrong: what they read as the time of day is shifted, durations are left alone.

libfaketime would do, but for the sleeps of Python 3.11 and newer, which fail under it (0.9.10).
"""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

from tools.test_dependencies import COMPILER

_SOURCE = Path(__file__).with_name("wrong_clock.c")


class Clock:
    """The time of day of all processes with its `environment`: right, until it is set.

    Args:
        directory: of its files.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / "wrong_clock"
        self._library = directory / "wrong_clock.so"
        self.set(0)
        subprocess.run(
            [COMPILER.name, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SOURCE)], check=True
        )

    @staticmethod
    def why_not() -> str | None:
        """In words, why this machine cannot; None where it can."""
        if sys.platform != "linux":
            return "libraries are preloaded on Linux alone"
        return None if shutil.which(COMPILER.name) else f"enable with: {COMPILER.install}"

    def set(self, seconds: int) -> None:
        """So much ahead of the right time, at once and everywhere."""
        # In place: those who read it have it mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "WRONG_CLOCK": str(self._file)}
