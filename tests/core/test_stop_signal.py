import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUBBORN = """
import select
from core.stop_signal import StopSignal
stop = StopSignal()
stop.listen()
print("listening", flush=True)
while not stop.requested:
    stop.wait(60)
stop.wait(60)
print("asked to stop", flush=True)
select.select([], [], [], 60)
"""


def test_the_first_signal_asks_and_the_second_ends_the_process():
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "asked to stop\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 1
