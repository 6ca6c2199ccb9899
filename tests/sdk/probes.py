"""What is not seen in the OpenAPI description: found in the code, so that its tests begin by themselves."""

import io
import json
import re
from pathlib import Path

from django.core.management import call_command, load_command_class

from core.models import Account
from tests.sdk.contract import description

_ROOT = Path(__file__).resolve().parents[2]


def _restricted_keys() -> tuple[str, ...]:
    """The options of `create_api_key` for a key that may read customers and nothing else; none where it cannot."""
    parser = load_command_class("core", "create_api_key").create_parser("manage.py", "create_api_key")
    flags = {flag for action in parser._actions for flag in action.option_strings}
    return ("--restricted", "customers=read") if "--restricted" in flags else ()


def _rate_limit() -> dict[str, str]:
    """The settings under which a second request in a row is one too many; none where there is no limit."""
    names = re.findall(r'"(API_[A-Z_]*RATE[A-Z_]*)"', (_ROOT / "core" / "settings.py").read_text())
    return dict.fromkeys(names[:1], "1")


def _types_of_events() -> bool:
    """Whether events are listed by several types."""
    parameters = description()["paths"]["/v1/events"]["get"]["parameters"]
    return any(parameter["name"] == "types[]" for parameter in parameters)


RESTRICTED_KEYS = _restricted_keys()
RATE_LIMIT = _rate_limit()
TYPES_OF_EVENTS = _types_of_events()


def restricted_key(account: Account) -> str:
    """A key that may read customers and nothing else."""
    said = io.StringIO()
    call_command("create_api_key", *RESTRICTED_KEYS, "--json", account=account.public_id, stdout=said)
    key: str = json.loads(said.getvalue())["api_key"]
    return key
