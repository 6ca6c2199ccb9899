"""`expand[]`: ids of an answer replaced by the objects they name, up to four levels deep.

What can be expanded is one table of kinds. A level costs one query for each kind of object that it names, however
many objects hold an id of it.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from api.errors import InvalidParameter
from core.loaders import (
    load_balance_transactions,
    load_charges,
    load_customers,
    load_payment_intents,
    load_payment_methods,
    load_refunds,
    load_setup_intents,
)
from core.versions import render
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

Object = dict[str, Any]
# The account's objects of these ids, canonical, by public id: one query.
Loader = Callable[[uuid.UUID, Collection[uuid.UUID]], dict[str, Object]]

MAX_LEVELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Objects that can stand in the place of their ids."""

    prefix: str  # of their ids
    load: Loader
    # What of them can be expanded in turn, and to which kinds; `a.b` is the field b of the hash a.
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


KINDS: dict[str, Kind] = {
    "balance_transaction": Kind(
        prefix="txn", load=load_balance_transactions, fields={"source": ("charge", "refund")}
    ),
    "charge": Kind(
        prefix="ch",
        load=load_charges,
        fields={
            "balance_transaction": ("balance_transaction",),
            "customer": ("customer",),
            "payment_intent": ("payment_intent",),
        },
    ),
    "customer": Kind(prefix="cus", load=load_customers),
    "payment_intent": Kind(
        prefix="pi",
        load=load_payment_intents,
        fields={
            "customer": ("customer",),
            "latest_charge": ("charge",),
            "payment_method": ("payment_method",),
        },
    ),
    "payment_method": Kind(prefix="pm", load=load_payment_methods, fields={"customer": ("customer",)}),
    "refund": Kind(
        prefix="re",
        load=load_refunds,
        fields={
            "balance_transaction": ("balance_transaction",),
            "charge": ("charge",),
            "payment_intent": ("payment_intent",),
        },
    ),
    "setup_intent": Kind(
        prefix="seti",
        load=load_setup_intents,
        fields={"customer": ("customer",), "payment_method": ("payment_method",)},
    ),
}


class Branch(NamedTuple):
    """One expanded field: the kinds it may name, and what is expanded of them in turn."""

    kinds: tuple[str, ...]
    tree: "Tree"


Tree = dict[str, Branch]


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a request wants expanded of objects of one kind; the names have been checked."""

    kind: str
    tree: Tree

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
        level = [_Holders(self.kind, shown, self.tree)]
        while level:
            found = _load(list(_slots(level)), account_id)
            places += found
            level = [_Holders(place.kind, [place.object], place.tree) for place in found if place.tree]
        # The deepest first: an object is rendered with what has been put into it.
        for place in reversed(places):
            place.holder[place.key] = render(place.object, version)
        return [render(one, version) for one in shown]


NO_EXPANSION = Expansion("", {})


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
    return Expansion(kind, tree)


def _plant(tree: Tree, segments: Sequence[str], kinds: tuple[str, ...]) -> bool:
    """Add a path to the tree; False, and a tree that is of no use, where it leads nowhere."""
    if not segments:
        return True
    for length in range(1, len(segments) + 1):
        name = ".".join(segments[:length])
        leads_to = tuple(
            target for kind in kinds if kind in KINDS for target in KINDS[kind].fields.get(name, ())
        )
        if leads_to:
            branch = tree.setdefault(name, Branch(leads_to, {}))
            return _plant(branch.tree, segments[length:], leads_to)
    return False


class _Holders(NamedTuple):
    """Objects of one kind, and what is to be expanded of them."""

    kind: str
    objects: list[Object]
    tree: Tree


class _Slot(NamedTuple):
    """An id, and where it stands."""

    holder: Object
    key: str
    text: str
    kind: str
    id: uuid.UUID
    tree: Tree


class _Place(NamedTuple):
    """An object, and where it is to stand."""

    holder: Object
    key: str
    kind: str
    object: Object
    tree: Tree


def _slots(level: Sequence[_Holders]) -> Iterator[_Slot]:
    for kind, objects, tree in level:
        for name, (kinds, subtree) in tree.items():
            if name not in KINDS[kind].fields:
                continue  # of another kind that may stand in the same place
            for one in objects:
                holder, key = _own_member(one, name)
                text = holder.get(key)
                if not isinstance(text, str):
                    continue
                for target in kinds:
                    with suppress(InvalidIdentifier):
                        named = decode_id(KINDS[target].prefix, text)
                        yield _Slot(holder, key, text, target, named, subtree)


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
    wanted: defaultdict[str, set[uuid.UUID]] = defaultdict(set)
    for slot in slots:
        wanted[slot.kind].add(slot.id)
    loaded = {kind: KINDS[kind].load(account_id, ids) for kind, ids in wanted.items()}
    return [
        _Place(slot.holder, slot.key, slot.kind, _fresh(loaded[slot.kind][slot.text], slot.tree), slot.tree)
        for slot in slots
        if slot.text in loaded[slot.kind]
    ]


def _refused(message: str, index: int) -> InvalidParameter:
    return InvalidParameter(message, code="parameter_invalid_expand", param=f"expand[{index}]")
