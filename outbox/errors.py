"""What can go wrong in the outbox."""


class OutboxError(Exception):
    """The outbox could not do what was asked."""


class TransactionRequired(OutboxError):
    """An event was recorded outside a transaction; it must commit with the change it tells of."""

    def __init__(self) -> None:
        super().__init__(
            "record_event() must run inside transaction.atomic(), in the transaction that makes the change "
            "the event tells of"
        )


class EventRefused(OutboxError):
    """The event's data cannot be kept as it is."""

    def __init__(self, *, type: str, reason: str) -> None:
        super().__init__(f"event {type!r} refused: {reason}")
        self.type = type
        self.reason = reason


class NoCrashPoint(OutboxError):
    """A variable that sets a crash point names none."""

    def __init__(self, *, variable: str, value: str, points: list[str]) -> None:
        super().__init__(
            f"{variable} must name a crash point, and after a colon how many times it is reached, "
            f"not {value!r}; there are: {', '.join(points)}"
        )
        self.variable = variable
        self.value = value


class InvalidIdentifier(OutboxError, ValueError):
    """The text is not an identifier of the expected kind."""

    def __init__(self, *, prefix: str, text: str) -> None:
        super().__init__(f"not a {prefix}_ identifier: {text[:80]!r}")
        self.prefix = prefix
        self.text = text


class NotUsable(OutboxError):
    """What was asked of a process, beside its work, cannot be: metrics at a busy port, traces without their package."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
