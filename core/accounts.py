"""Accounts: the merchants."""

from core.errors import AccountNotFound
from core.models import Account
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id


def create_account(*, name: str) -> Account:
    """One statement; joins an open transaction."""
    return Account.objects.create(name=name)


def get_account(public_id: str) -> Account:
    """Raises AccountNotFound, also for text that is no `acct_…`."""
    try:
        account = Account.objects.filter(id=decode_id("acct", public_id)).first()
    except InvalidIdentifier:
        account = None
    if account is None:
        raise AccountNotFound(public_id)
    return account
