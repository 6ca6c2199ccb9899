"""A process whose clock is set is wrong about the time of day, and about nothing else."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.environment.clocks import Clock

HOUR = 3600
# For each line of stdin: the times of day and the monotonic one that it reads, and how long two waits took.
_READ = """
import datetime, json, sys, threading, time
for _ in sys.stdin:
    begun = time.monotonic()
    time.sleep(0.1)
    assert not threading.Event().wait(0.1)
    today = datetime.datetime.now(tz=datetime.timezone.utc).timestamp()
    print(json.dumps([time.time(), today, begun, time.monotonic() - begun]), flush=True)
"""
without = Clock.why_not()


@pytest.mark.skipif(without is not None, reason=str(without))
def test_only_the_time_of_day_is_set_and_while_the_process_runs(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
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
            monotonic, now = time.monotonic(), time.time()
            process.stdin.write("\n")
            process.stdin.flush()
            read, today, its_monotonic, waited = json.loads(process.stdout.readline())
            assert now + seconds <= read <= today + 1 <= time.time() + seconds + 1
            assert monotonic <= its_monotonic <= time.monotonic()
            assert 0.2 <= waited <= time.monotonic() - monotonic
        process.stdin.close()
