"""The product without its request log: what the log costs is what is gained here.

`granian --interface wsgi bench.unlogged:application`; there is no such setting, as the log is no option.
"""

import importlib
from typing import Any

from core.wsgi import application

__all__ = ["application"]


def _leave_unlogged(*_: Any, **__: Any) -> None:
    pass


# Only now: nothing of the API can be imported before Django is set up.
_middleware: Any = importlib.import_module("api.middleware")
_middleware.log_request = _leave_unlogged
