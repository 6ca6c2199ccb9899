"""How a command ends, and why it refuses."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What every subcommand may end with."""

    FINE = 0
    ERROR = 1
    USAGE = 2  # an argument or a setting is at fault
    UNREACHABLE = 3  # the database or the broker
    FAILURES = 4  # it came to its end, and what it did or looked at has failures


class CommandRefused(Exception):
    """The command does not do what was asked; the sentence says why and how to mend it."""

    def __init__(self, sentence: str, *, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class ArgumentRefused(CommandRefused):
    """An argument that parses, and yet cannot be what it is."""

    def __init__(self, argument: str, reason: str) -> None:
        super().__init__(f"argument {argument}: {reason}", code=ExitCode.USAGE)
