"""An attempt that was made, as it goes from the send thread to the database."""

from typing import NamedTuple

from dispatcher.claims import Claim
from dispatcher.outcomes import Outcome
from dispatcher.retry import Decision


class Attempted(NamedTuple):
    """One attempt that was made: what was claimed, what happened, what we do next."""

    claim: Claim
    started_epoch: float  # when the send began, by the database's clock
    outcome: Outcome
    decision: Decision
