"""A shifted process is wrong about the time of day, and about nothing else."""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.crash.environment.clocks import shifted, why_not

HOUR = 3600
_READ = """
import json, threading, time
begun = time.monotonic()
assert not threading.Event().wait(0.2)
print(json.dumps([time.time(), begun, time.monotonic() - begun]))
"""
without = why_not()


@pytest.mark.skipif(without is not None, reason=str(without))
@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_only_the_time_of_day_is_shifted(seconds: int) -> None:
    monotonic, now = time.monotonic(), time.time()
    done = subprocess.run(
        [sys.executable, "-c", _READ], env=os.environ | shifted(seconds), capture_output=True, check=True
    )
    read, its_monotonic, waited = json.loads(done.stdout)
    later = time.time()
    assert now + seconds <= read <= later + seconds
    assert monotonic <= its_monotonic <= time.monotonic()
    assert 0.2 <= waited <= later - now
