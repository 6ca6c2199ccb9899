"""Accounts: the merchants."""

from core.errors import AccountNotFound, UnknownVersion
from core.models import Account
from core.versions import STRIPE, STRIPE_VERSIONS
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id


def create_account(*, name: str, api_version: str = STRIPE) -> Account:
    """One statement; joins an open transaction.

    Args:
        api_version: one of Stripe's, for requests that name none.

    Raises:
        UnknownVersion: it is none of STRIPE_VERSIONS.
    """
    _check_version(api_version)
    return Account.objects.create(name=name, api_version=api_version)


def get_account(public_id: str) -> Account:
    """Raises AccountNotFound, also for text that is no `acct_…`."""
    try:
        account = Account.objects.filter(id=decode_id("acct", public_id)).first()
    except InvalidIdentifier:
        account = None
    if account is None:
        raise AccountNotFound(public_id)
    return account


def set_api_version(account: Account, api_version: str) -> None:
    """Change the version of requests that name none; endpoints keep theirs. One statement.

    Raises:
        UnknownVersion: it is none of STRIPE_VERSIONS.
    """
    _check_version(api_version)
    account.api_version = api_version
    account.save(update_fields=["api_version"])


def _check_version(api_version: str) -> None:
    if api_version not in STRIPE_VERSIONS:
        raise UnknownVersion(api_version)
