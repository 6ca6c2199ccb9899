"""Programs of the bench: measured, and ended whatever happens."""

from pathlib import Path

import pytest

from bench.cpu import tree, tree_seconds
from bench.processes import Programs
from tests.processes import until
from tools.failures import Failure

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
SLEEP = "import time\ntime.sleep(600)\n"
PARENT = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {SLEEP!r}])\nimport time\ntime.sleep(600)\n"


@pytest.fixture
def programs(tmp_path):
    with Programs({}, tmp_path) as programs:
        yield programs


def test_cpu_of_an_ended_program_is_known(programs):
    program = programs.start("burner", "-c", BURN)
    program.wait()
    assert 0.3 <= program.cpu_seconds < 5


def test_cpu_of_a_running_tree_counts_its_children(programs):
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\n{SLEEP}"
    program = programs.start("parent", "-c", parent)
    until(lambda: program.cpu_seconds >= 0.3, what="the child's CPU seconds")
    assert tree_seconds(program.pid) >= 0.3


def test_failed_program_is_told_of_with_its_words(programs):
    program = programs.start("failing", "-c", "import sys; sys.stderr.write('no luck today'); sys.exit(4)")
    with pytest.raises(Failure, match=r"failing ended with 4") as caught:
        program.wait()
    assert "no luck today" in str(caught.value)


def test_program_that_hangs_is_given_up(programs):
    with pytest.raises(Failure, match=r"sleeper did not end within 0.1 s"):
        programs.start("sleeper", "-c", SLEEP).wait(0.1)


def test_everything_is_ended_with_the_block_children_too(tmp_path):
    with Programs({}, tmp_path) as programs:
        program = programs.start("parent", "-c", PARENT)
        until(lambda: len(tree(program.pid)) == 2, what="the child")
        family = tree(program.pid)
    assert program.has_ended
    until(lambda: not any(alive(pid) for pid in family), what="the end of the family")


def alive(pid: int) -> bool:
    """Neither gone nor waiting to be reaped by whoever took it over."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
