"""How often somebody may try to log in: for one name, and from one address."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.http import HttpRequest

from api.client_address import client_network
from api.config import login_attempts_per_minute
from api.rate_limit import Rate, take_token

# Colleagues share an address, and each of them may mistype.
_ADDRESS_SHARE = 4


def wait_before_login(request: HttpRequest, name: str) -> int:
    """Seconds to wait before the next try; 0 lets this one happen, and counts it. At most two statements.

    A name can be kept out by anybody who tries it often enough; a one-time link (`manage.py login_link`) lets its
    owner in all the same.
    """
    limit = login_attempts_per_minute()
    if not limit:
        return 0
    wait = take_token(f"login-address:{client_network(request)}", _rate(limit * _ADDRESS_SHARE))
    return wait or take_token(f"login-name:{_whose(name)}", _rate(limit))


def _whose(name: str) -> str:
    """One text for all the ways to write a name: the login takes wide and bold letters for plain ones."""
    return User.normalize_username(name.strip()).lower()[:150]


def _rate(number: int) -> Rate:
    return Rate(burst=number, each=timedelta(minutes=1) / number)
