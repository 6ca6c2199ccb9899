"""How settings read the environment: kinds of value that environs has no name for, each with its bounds."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from environs import Env
from marshmallow import ValidationError
from marshmallow.validate import Range

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=False)
env.read_env(BASE_DIR / ".env", recurse=False)

YEAR = 366 * 86_400  # seconds


def between(low: float, high: float) -> Range:
    return Range(low, high)


def seconds(name: str, default: float, *, least: float = 0.0) -> timedelta:
    return timedelta(seconds=env.float(name, default=default, validate=between(least, YEAR)) or 0.0)


def days(name: str, default: int) -> timedelta:
    return timedelta(days=env.int(name, default=default, validate=between(1, 36_600)) or 0)


def each_between(low: float, high: float) -> Callable[[Any], None]:
    def check(values: list[float]) -> None:
        for value in values:
            between(low, high)(value)

    return check


def network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def are_ports(text: str) -> None:
    first, _, last = text.partition("-")
    if text and not (
        first.isdecimal() and (last or first).isdecimal() and 1 <= int(first) <= int(last or first) <= 65_535
    ):
        raise ValidationError("Must be a port or a range of ports, such as 9470-9473, from 1 to 65535.")
