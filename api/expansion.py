"""`expand[]`: ids of an answer replaced by the objects they name, up to four levels deep.

What can be expanded is one table of kinds. A level costs one query for each kind of object that it names, however
many objects hold an id of it.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from api.errors import InvalidParameter
from core.loaders import load
from core.versions import render

Object = dict[str, Any]

MAX_LEVELS = 4

EXPANDABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "balance_transaction": {"source": ("charge", "refund")},
    "charge": {
        "balance_transaction": ("balance_transaction",),
        "customer": ("customer",),
        "failure_balance_transaction": ("balance_transaction",),
        "payment_intent": ("payment_intent",),
    },
    "customer": {"invoice_settings.default_payment_method": ("payment_method",)},
    "payment_intent": {
        "customer": ("customer",),
        "latest_charge": ("charge",),
        "payment_method": ("payment_method",),
    },
    "payment_method": {"customer": ("customer",)},
    "refund": {
        "balance_transaction": ("balance_transaction",),
        "charge": ("charge",),
        "failure_balance_transaction": ("balance_transaction",),
        "payment_intent": ("payment_intent",),
    },
    "setup_intent": {"customer": ("customer",), "payment_method": ("payment_method",)},
}
"""Kind of object → its fields that hold an id, and what that may name. `a.b` is the field b of the hash a."""


class Branch(NamedTuple):
    """One expanded field: the kinds it may name, and what is expanded of them in turn."""

    kinds: tuple[str, ...]
    tree: "Tree"


Tree = dict[str, Branch]


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a request wants expanded; the names have been checked."""

    tree: Tree

    @property
    def kinds(self) -> set[str]:
        """Of all that it may show."""
        return _kinds(self.tree)

    def apply(
        self, objects: Sequence[Mapping[str, Any]], *, account_id: uuid.UUID, version: str
    ) -> list[Object]:
        """Canonical objects as the version shows them, expanded. The arguments are left as they are.

        An id that names nothing the account has stays an id, and null stays null.
        """
        if not self.tree:
            return [render(one, version) for one in objects]
        shown = [_fresh(one, self.tree) for one in objects]
        places: list[_Place] = []
        level = [_Holders(shown, self.tree)]
        while level:
            found = _load(list(_slots(level)), account_id)
            places += found
            level = [_Holders([place.object], place.tree) for place in found if place.tree]
        # The deepest first: an object is rendered with what has been put into it.
        for place in reversed(places):
            place.holder[place.key] = render(place.object, version)
        return [render(one, version) for one in shown]


NO_EXPANSION = Expansion({})


def parse_expansion(names: Sequence[str], *, kind: str, listed: bool = False) -> Expansion:
    """Names within a list begin with `data.`.

    Raises:
        InvalidParameter: a name leads to nothing that can be expanded, or too deep.
    """
    return _parse(tuple(names), kind, listed) if names else NO_EXPANSION


@lru_cache(maxsize=256)
def _parse(names: tuple[str, ...], kind: str, listed: bool) -> Expansion:
    tree: Tree = {}
    for index, name in enumerate(names):
        bare = name.removeprefix("data.") if listed else name
        segments = bare.split(".")
        if len(segments) > MAX_LEVELS:
            raise _refused(f"You cannot expand more than {MAX_LEVELS} levels of a property ({name}).", index)
        reached = _plant({}, segments, (kind,))
        if listed and bare == name:
            hint = f" You may want to try expanding 'data.{name}' instead." if reached else ""
            raise _refused(f"This property cannot be expanded ({name}).{hint}", index)
        if not reached:
            raise _refused(f"This property cannot be expanded ({name}).", index)
        _plant(tree, segments, (kind,))
    return Expansion(tree)


def _plant(tree: Tree, segments: Sequence[str], kinds: tuple[str, ...]) -> bool:
    """Add a path to the tree; False, and a tree that is of no use, where it leads nowhere."""
    if not segments:
        return True
    for length in range(1, len(segments) + 1):
        name = ".".join(segments[:length])
        leads_to = tuple(target for kind in kinds for target in EXPANDABLE.get(kind, {}).get(name, ()))
        if leads_to:
            branch = tree.setdefault(name, Branch(leads_to, {}))
            return _plant(branch.tree, segments[length:], leads_to)
    return False


def _kinds(tree: Tree) -> set[str]:
    return {kind for branch in tree.values() for kind in (*branch.kinds, *_kinds(branch.tree))}


class _Holders(NamedTuple):
    """Objects, and what is to be expanded of them."""

    objects: list[Object]
    tree: Tree


class _Slot(NamedTuple):
    """An id, and where it stands."""

    holder: Object
    key: str
    text: str
    tree: Tree


class _Place(NamedTuple):
    """An object, and where it is to stand."""

    holder: Object
    key: str
    object: Object
    tree: Tree


def _slots(level: Sequence[_Holders]) -> Iterator[_Slot]:
    for objects, tree in level:
        for name, branch in tree.items():
            for one in objects:
                if name not in EXPANDABLE.get(one["object"], ()):
                    continue  # of another kind that may stand in the same place
                holder, key = _own_member(one, name)
                text = holder.get(key)
                if isinstance(text, str):
                    yield _Slot(holder, key, text, branch.tree)


def _fresh(object: Mapping[str, Any], tree: Tree) -> Object:
    """A copy to expand in: what is loaded once may be placed often."""
    fresh = dict(object)
    for name in tree:
        step, dot, _ = name.partition(".")
        if dot and isinstance(object.get(step), dict) and fresh[step] is object[step]:
            fresh[step] = dict(fresh[step])
    return fresh


def _own_member(object: Object, name: str) -> tuple[Object, str]:
    """The mapping that holds a name, and its key there."""
    step, dot, key = name.partition(".")
    if not dot:
        return object, name
    member = object.get(step)
    return (member if isinstance(member, dict) else {}), key


def _load(slots: Sequence[_Slot], account_id: uuid.UUID) -> list[_Place]:
    loaded = load(account_id, {slot.text for slot in slots})
    return [
        _Place(slot.holder, slot.key, _fresh(loaded[slot.text], slot.tree), slot.tree)
        for slot in slots
        if slot.text in loaded
    ]


def _refused(message: str, index: int) -> InvalidParameter:
    return InvalidParameter(message, code="parameter_invalid_expand", param=f"expand[{index}]")
