"""Whatever ends a subcommand becomes one sentence and an exit code."""

import argparse
import io

import pytest
from django.db import OperationalError, ProgrammingError

from api.command_line.errors import ArgumentRefused, CommandRefused, ExitCode
from api.command_line.output import Output
from api.command_line.running import run_subcommand
from core.errors import AccountNotFound
from dispatcher.errors import (
    BrokerOutOfReach,
    BrokerUnusable,
    ConfigurationError,
    InvalidEndpoint,
    ReplayRefused,
    TooManyEndpoints,
)


def ended(error: BaseException) -> tuple[int, str]:
    def run(arguments: argparse.Namespace, output: Output) -> int:
        output.record({"first": True})
        raise error

    data, talk = io.StringIO(), io.StringIO()
    code = run_subcommand(run, argparse.Namespace(), Output(stdout=data, stderr=talk))
    assert data.getvalue() == '{"first": true}\n'
    assert talk.getvalue().count("\n") == 1
    return code, talk.getvalue()


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (CommandRefused("Not so."), ExitCode.ERROR, "error: Not so."),
        (ArgumentRefused("--rate", "is no rate"), ExitCode.USAGE, "error: argument --rate: is no rate"),
        (AccountNotFound("acct_1"), ExitCode.ERROR, "acct_1"),
        (TooManyEndpoints(16), ExitCode.ERROR, "at most 16"),
        (InvalidEndpoint(field="max_in_flight", reason="is big"), ExitCode.USAGE, "argument --max-in-flight: is big"),
        (ReplayRefused(field="since", reason="is in the future"), ExitCode.USAGE, "argument --since: is in"),
        (ReplayRefused(field="endpoint", reason="has a replay"), ExitCode.ERROR, "error: The endpoint has a replay"),
        (ReplayRefused(field="endpoint", reason="we_1 is disabled"), ExitCode.ERROR, "error: we_1 is disabled"),
        (ConfigurationError(["LEASE is too short"]), ExitCode.USAGE, "not usable: LEASE is too short"),
        (BrokerUnusable("no URL"), ExitCode.USAGE, "not usable: no URL"),
        (BrokerOutOfReach("refused"), ExitCode.UNREACHABLE, "cannot reach the broker: refused"),
        (OperationalError("no server"), ExitCode.UNREACHABLE, "cannot reach PostgreSQL: no server"),
        (ProgrammingError("permission denied"), ExitCode.ERROR, "the database refused: permission denied"),
        (KeyboardInterrupt(), ExitCode.ERROR, "Interrupted; what was done stays."),
    ],
)  # fmt: skip
def test_every_end_has_its_sentence_and_its_code(error, code, words):
    found, said = ended(error)
    assert found == code
    assert words in said


def test_a_fault_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError())


def test_progress_is_a_line_every_five_seconds_where_no_terminal_is(monkeypatch):
    clock = iter([0.0, 1.0, 4.9, 5.1, 5.1, 6.0, 10.2, 10.2])
    monkeypatch.setattr("api.command_line.output.time.monotonic", lambda: next(clock))
    talk = io.StringIO()
    with Output(stdout=io.StringIO(), stderr=talk).progress("replayed", 4_000) as tally:
        for done in (100, 500, 1_000, 2_000, 4_000):
            tally.reach(done)
    assert talk.getvalue().splitlines() == ["replayed: 1,000 of 4,000", "replayed: 4,000 of 4,000"]
