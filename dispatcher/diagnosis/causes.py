"""What a diagnosis says."""

from dataclasses import dataclass
from enum import StrEnum


class Scheme(StrEnum):
    """Both are on every delivery, made from one secret."""

    STRIPE = "stripe"
    STANDARD = "standard"

    @property
    def header(self) -> str:
        return "Stripe-Signature" if self is Scheme.STRIPE else "webhook-signature (Standard Webhooks)"


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong."""

    code: str
    happened: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one scheme."""

    scheme: Scheme
    causes: tuple[Cause, ...] = ()

    @property
    def verifies(self) -> bool:
        return not self.causes
