"""What an object was before a change, in the form that events carry it: `previous_attributes`. Pure."""

from collections.abc import Mapping
from typing import Any


def previous_attributes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that changed, as they were; null for what was not there.

    Of a hash that stays a hash only the members that changed; an array that changed at all is given whole.
    """
    previous: dict[str, Any] = {}
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            if members := previous_attributes(old, new):
                previous[name] = members
        elif old != new or (name in before) != (name in after):
            previous[name] = old
    return previous


def restored(after: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """The object before the change; what was not there is null in it."""
    before = dict(after)
    for name, old in previous.items():
        new = after.get(name)
        before[name] = restored(new, old) if isinstance(old, Mapping) and isinstance(new, Mapping) else old
    return before
