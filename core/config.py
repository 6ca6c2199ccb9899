"""What the payments room reads of the settings, as plain values."""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """How the simulated bank behaves."""

    delay: timedelta  # from the confirmation of a bank debit to the bank's answer
    success_rate: float  # 0 to 1, for payment methods that do not fix the answer
    seed: int | None  # makes the answer a function of the reference; None draws afresh


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementSettings:
    """How settlement processes share the work."""

    lease: (
        timedelta  # how long a process keeps a due settlement to itself; a crashed one is taken up after it
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """What a charge costs a merchant, and when the rest is his to use."""

    fee_percent: Decimal  # of the captured amount
    fee_fixed: int  # minor units of the charge's currency
    available_after: timedelta  # from the capture


def bank_settings() -> BankSettings:
    values: dict[str, Any] = settings.BANK
    return BankSettings(delay=values["DELAY"], success_rate=values["SUCCESS_RATE"], seed=values["SEED"])


def settlement_settings() -> SettlementSettings:
    return SettlementSettings(lease=settings.SETTLEMENT["LEASE"])


def ledger_settings() -> LedgerSettings:
    values: dict[str, Any] = settings.LEDGER
    return LedgerSettings(
        fee_percent=Decimal(str(values["FEE_PERCENT"])),
        fee_fixed=values["FEE_FIXED"],
        available_after=values["AVAILABLE_AFTER"],
    )


def public_url() -> str:
    """Where payers reach us, without a slash at its end."""
    return str(settings.PUBLIC_URL).rstrip("/")


def api_key_hash_key() -> bytes:
    """The secret that keys the hashes of API keys: a stolen table is worth nothing without it."""
    return str(settings.API_KEY_HASH_KEY).encode()


def secret_key() -> bytes:
    """Django's own secret."""
    return str(settings.SECRET_KEY).encode()


def session_timeouts() -> dict[str, int]:
    """`statement_timeout` and `lock_timeout` of our sessions, in milliseconds, as far as they are set; 0 is none."""
    options = str(settings.DATABASES["default"].get("OPTIONS", {}).get("options", ""))
    return {name: int(value) for name, value in re.findall(r"\b(\w+_timeout)=(\d+)", options)}
