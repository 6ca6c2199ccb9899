"""Running a subcommand: whatever ends it becomes one sentence and an exit code."""

import argparse
import errno
import os
import sys

from django.db import Error

from api.command_line.errors import CommandRefused, ExitCode
from api.command_line.output import Output
from api.command_line.subcommands import Run
from core.errors import CoreError
from dispatcher.errors import (
    BrokerOutOfReach,
    BrokerUnusable,
    ConfigurationError,
    DispatcherError,
    InvalidEndpoint,
    ReplayRefused,
)
from dispatcher.management.commands.run_dispatcher import database_sentence
from outbox.database import connection_is_lost, schema_is_missing

_FULL = (errno.ENOSPC, errno.EDQUOT)


def run_subcommand(run: Run, arguments: argparse.Namespace, output: Output) -> int:
    """The exit code. What nobody foresaw is raised, with its traceback."""
    try:
        return run(arguments, output)
    except KeyboardInterrupt:
        output.talk("Interrupted; what was done stays.")
        return ExitCode.ERROR
    except BrokenPipeError:
        # Whoever read has seen enough.
        _write_no_more()
        return ExitCode.FINE
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _write_no_more()
        output.error(f"standard output cannot be written: {error.strerror}")
        return ExitCode.ERROR
    except (CommandRefused, CoreError, DispatcherError, Error) as error:
        sentence, code = _told(error)
        output.error(sentence)
        return code


def _write_no_more() -> None:
    """What Python still wants to flush at its end would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(error: Exception) -> tuple[str, ExitCode]:
    match error:
        case CommandRefused():
            return error.sentence, error.code
        case CoreError():
            return error.message, ExitCode.ERROR
        case ReplayRefused() if error.field == "endpoint":
            subject = "" if error.reason.startswith("we_") else "The endpoint "
            return f"{subject}{error.reason}", ExitCode.ERROR
        case ReplayRefused() | InvalidEndpoint():
            return f"argument --{error.field.replace('_', '-')}: {error.reason}", ExitCode.USAGE
        case ConfigurationError() | BrokerUnusable():
            return f"not usable: {error}", ExitCode.USAGE
        case BrokerOutOfReach():
            return f"cannot reach the broker: {error}", ExitCode.UNREACHABLE
        case Error():
            is_away = connection_is_lost(error) or schema_is_missing(error)
            return database_sentence(error), ExitCode.UNREACHABLE if is_away else ExitCode.ERROR
        case _:
            return str(error), ExitCode.ERROR
