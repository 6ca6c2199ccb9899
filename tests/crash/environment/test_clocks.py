"""A process whose clock is set is wrong about the time of day, and about nothing else."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.environment.clocks import Clock, why_not

HOUR = 3600
# Says what it reads, and how long a short wait took, until its stdin ends.
_READ = """
import json, sys, threading, time
for _ in sys.stdin:
    begun = time.monotonic()
    assert not threading.Event().wait(0.2)
    print(json.dumps([time.time(), begun, time.monotonic() - begun]), flush=True)
"""
without = why_not()


@pytest.mark.skipif(without is not None, reason=str(without))
def test_only_the_time_of_day_is_set_and_while_the_process_runs(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    with subprocess.Popen(
        [sys.executable, "-c", _READ],
        env=os.environ | clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for seconds in (0, HOUR, -HOUR):
            clock.set(seconds)
            ahead = None
            while ahead != seconds:  # its reading is a second old at most
                monotonic, now = time.monotonic(), time.time()
                process.stdin.write("\n")
                process.stdin.flush()
                read, its_monotonic, waited = json.loads(process.stdout.readline())
                assert monotonic <= its_monotonic <= time.monotonic()
                assert 0.2 <= waited <= time.time() - now
                ahead = round((read - now) / HOUR) * HOUR
            assert now + seconds <= read <= time.time() + seconds
        process.stdin.close()
