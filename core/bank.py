"""The simulated bank: another party, with a memory of its own.

It is asked under a reference and says the same to the same reference for ever, whatever happened to
the answer on the way to us. That is all a payment needs to survive a crash between answer and record.
"""

import hashlib
import secrets
import uuid
from dataclasses import asdict, dataclass

from django.db import transaction

from core.config import bank_settings
from core.payment_methods import DRAWN_DECLINE, Behaviour, Decline
from core.sql import SQL
from outbox.database import execute, fetch_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bank says to one reference."""

    approved: bool
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None

    @classmethod
    def refusing(cls, decline: Decline) -> "Answer":
        return cls(
            approved=False, code=decline.code, decline_code=decline.decline_code, message=decline.message
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedBank:
    """Answers at once: the days that a real bank takes are `BankSettings.delay`, waited for by settlement.

    Args:
        success_rate: share of approvals, 0 to 1, where the payment method leaves the answer to chance.
        seed: makes chance a function of (seed, reference): the same in every process, in any order.
    """

    success_rate: float
    seed: int | None = None

    def authorize(
        self, *, reference: uuid.UUID, amount: int, currency: str, payment_method: Behaviour
    ) -> Answer:
        """The answer to `reference`: drawn when it is first asked for, remembered from then on.

        Opens a transaction of its own and refuses to join one: our locks must not wait for a bank, and an
        answer that we roll back would still be the bank's.

        Args:
            amount: in minor units of `currency`; this bank has money for every amount.

        Raises:
            RuntimeError: a transaction is open.
        """
        del amount, currency
        answer = self._draw(reference, payment_method)
        with transaction.atomic(durable=True):
            if execute(SQL["remember_answer"], {"reference": reference, **asdict(answer)}):
                return answer
            approved, code, decline_code, message = fetch_all(SQL["recall_answer"], {"reference": reference})[
                0
            ]
        return Answer(approved=approved, code=code, decline_code=decline_code, message=message)

    def _draw(self, reference: uuid.UUID, payment_method: Behaviour) -> Answer:
        if payment_method.decline is not None:
            return Answer.refusing(payment_method.decline)
        if not payment_method.drawn:
            return Answer(approved=True)
        if self._chance(reference) < self.success_rate:
            return Answer(approved=True)
        return Answer.refusing(DRAWN_DECLINE)

    def _chance(self, reference: uuid.UUID) -> float:
        """Evenly spread over [0, 1)."""
        if self.seed is None:
            return secrets.randbelow(1 << 53) / (1 << 53)
        digest = hashlib.sha256(f"{self.seed}:{reference}".encode()).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def simulated_bank() -> SimulatedBank:
    """The bank as the settings have it."""
    values = bank_settings()
    return SimulatedBank(success_rate=values.success_rate, seed=values.seed)
