"""`python -m tests.crash.host`: forks commands of the product from a process that has Django loaded.

A command costs a second of processor time to start and a hundredth of that to fork; what runs is the same.
Orders come as JSON lines on stdin, `{"number", "program", "environment", "output"}`; what becomes of a child is
told on stdout, `{"number", "event", …}`: started (pid), stopped, ended (status). All children die with the host.

A program is what follows `manage.py`, or `-m` and a module whose `main()` takes the arguments.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import sys
from pathlib import Path
from typing import Any

import django

# Loaded once, used by every child.
_WARM = (
    "dispatcher.management.commands.run_dispatcher",
    "dispatcher.management.commands.run_worker",
    "dispatcher.hint_worker",
    "core.management.commands.run_settlement",
    "tests.crash.recorder",
)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    django.setup()
    for module in _WARM:
        importlib.import_module(module)
    gc.freeze()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}  # pid → number
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        try:
            while True:
                for key, _ in selector.select():
                    if key.fd == woken:
                        os.read(woken, 4096)
                        _tell_changes(children)
                        continue
                    # Each order is answered before the next is written, so there is one line at most.
                    line = sys.stdin.readline()
                    if not line:
                        return 0
                    _start(json.loads(line), children)
        finally:
            for pid in children:
                os.kill(pid, signal.SIGKILL)


def _tell(number: int, event: str, **facts: int) -> None:
    sys.stdout.write(json.dumps({"number": number, "event": event, **facts}) + "\n")
    sys.stdout.flush()


def _tell_changes(children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return
        if os.WIFSTOPPED(status):
            _tell(children[pid], "stopped")
        else:
            _tell(children.pop(pid), "ended", status=os.waitstatus_to_exitcode(status))


def _start(order: dict[str, Any], children: dict[int, int]) -> None:
    pid = os.fork()
    if not pid:
        _become(order)
    children[pid] = order["number"]
    _tell(order["number"], "started", pid=pid)


def _become(order: dict[str, Any]) -> None:
    """Run the program in this child; never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _redirect(Path(order["output"]))
        os.environ.update(order["environment"])
        _introduce(order["number"])
        code = _run(order["program"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(output: Path) -> None:
    nowhere = os.open(os.devnull, os.O_RDONLY)
    there = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((nowhere, 0), (there, 1), (there, 2)):
        os.dup2(descriptor, target)


def _introduce(number: int) -> None:
    """What start does with the environment, done again with the child's own; its requests say which child sent them."""
    from django.conf import settings

    from outbox.crash_points import arm, known_points
    from tests.crash.receiver import AGENT

    arm(os.environ, known_points())
    settings.DISPATCHER["USER_AGENT"] = f"{AGENT}{number}"


def _run(program: list[str]) -> int:
    if program[0] == "-m":
        result: int = importlib.import_module(program[1]).main(program[2:])
        return result
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *program])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
