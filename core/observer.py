"""Who is told what a settlement process does, to count it."""

from typing import Literal, Protocol

Kind = Literal["payment", "refund"]


class Observer(Protocol):
    """Counts; never touches the database and never raises."""

    def leased(self, payments: int) -> None:
        """So many payments were leased."""

    def settled(self, kind: Kind, outcome: str, seconds: float) -> None:
        """One is settled, by this process or another one; its transaction is committed."""

    def failed(self, kind: Kind) -> None:
        """One could not be settled; it falls due again."""

    def lost_database(self) -> None:
        """The database did not answer; the batch is tried again."""


class Unobserved:
    """Nobody counts."""

    def leased(self, payments: int) -> None: ...

    def settled(self, kind: Kind, outcome: str, seconds: float) -> None: ...

    def failed(self, kind: Kind) -> None: ...

    def lost_database(self) -> None: ...
