"""System checks of the dispatcher's settings: `manage.py check` tells what `run_dispatcher` would refuse."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as SystemWarning

from dispatcher.config import dispatcher_settings
from dispatcher.errors import ConfigurationError


@register("dispatcher")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every problem of the DISPATCHER setting."""
    del app_configs, kwargs
    try:
        dispatcher_settings()
    except ConfigurationError as error:
        return [
            Error(problem, hint="Mend the DISPATCHER setting.", id="dispatcher.E001")
            for problem in error.problems
        ]
    return []


@register("dispatcher", deploy=True)
def check_secret_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Signing secrets that have no keys of their own; told by `manage.py check --deploy`."""
    del app_configs, kwargs
    if check_settings(None) or dispatcher_settings().secret_keys:
        return []
    return [
        SystemWarning(
            "Signing secrets are encrypted with a key made from SECRET_KEY: changing SECRET_KEY loses them.",
            hint="Set DISPATCHER['SECRET_KEYS'] to a list of Fernet keys.",
            id="dispatcher.W001",
        )
    ]
