"""Every page of the portal × every link but the right one × somebody else's object in every place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from api.models import PortalSession
from api.portal.sessions import token_hash
from api.portal.urls import urlpatterns
from core.api_keys import key_uuid, revoke_api_key
from dispatcher.models import DeliveryRecord, Endpoint, Replay
from outbox.identifiers import decode_id, encode_id, new_uuid
from tests.api.tenants.worlds import World, make_world
from tests.portal.visitors import Visitor, visit

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Route:
    """One path below a link; `changes` where a form is sent to it."""

    below: str
    kind: str | None = None  # of the object that it names
    fields: tuple[str, ...] = ()  # of its form that name an object: an endpoint

    def __str__(self) -> str:
        return self.below or "/"


PAGES = (
    Route(""),
    Route("endpoints/"),
    Route("endpoints/new/"),
    Route("endpoints/{id}/", "endpoint"),
    Route("endpoints/{id}/edit/", "endpoint"),
    Route("endpoints/{id}/enable/", "endpoint"),
    Route("endpoints/{id}/disable/", "endpoint"),
    Route("endpoints/{id}/delete/", "endpoint"),
    Route("endpoints/{id}/roll/", "endpoint"),
    Route("deliveries/"),
    Route("deliveries/{id}/", "delivery"),
    Route("deliveries/{id}/resend/", "delivery"),
    Route("deliveries/{id}/stop/", "delivery"),
    Route("endpoints/{id}/replay/", "endpoint"),
    Route("replays/"),
    Route("replays/{id}/", "replay"),
    Route("replays/{id}/pause/", "replay"),
    Route("replays/{id}/resume/", "replay"),
    Route("replays/{id}/cancel/", "replay"),
    Route("events/"),
    Route("events/{id}/", "event"),
    Route("events/{id}/send/", "event", ("endpoint",)),
    Route("test/", fields=("endpoint",)),
    Route("catalogue/"),
    Route("catalogue/customer.created/"),
    Route("catalogue/customer.created/schema.json"),
    Route("failures/"),
    Route("end/"),
    Route("find/"),
)


# Those that a form is sent to.
CHANGES = {route.below for route in PAGES if route.kind and route.below.count("/") == 3}
# Where an address may name an object beside its path: page, parameter, kind.
FILTERS = (
    ("deliveries/", "endpoint", "endpoint"),
    ("deliveries/", "event", "event"),
    ("events/", "older", "event"),
    ("events/", "newer", "event"),
    ("endpoints/", "older", "endpoint"),
    ("endpoints/", "newer", "endpoint"),
    ("replays/", "older", "replay"),
    ("test/", "endpoint", "endpoint"),
)


def _asked(route: Route, ids: dict[str, str]) -> str:
    return route.below.format(id=ids[route.kind]) if route.kind else route.below


def test_every_page_is_here() -> None:
    served = [
        str(entry.pattern)
        .partition("/")[2]
        .replace("<str:id>", "{id}")
        .replace("<str:name>", "customer.created")
        for entry in urlpatterns[:-1]
    ]
    assert served == [route.below for route in PAGES]
    assert all(hasattr(entry.callback, "of_portal") for entry in urlpatterns)


def _expired(visitor: Visitor) -> str:
    PortalSession.objects.filter(token_hash=token_hash(visitor.token)).update(expires_at=timezone.now())
    return visitor.root


def _revoked(visitor: Visitor) -> str:
    PortalSession.objects.filter(token_hash=token_hash(visitor.token)).update(revoked_at=timezone.now())
    return visitor.root


def _without_its_key(visitor: Visitor) -> str:
    assert visitor.caller.key is not None
    revoke_api_key(key_uuid(visitor.caller.key))
    return visitor.root


def _one_letter_off(visitor: Visitor) -> str:
    last = "A" if visitor.token[-1] != "A" else "B"
    return f"/portal/{visitor.token[:-1]}{last}/"


CLOSED: dict[str, Callable[[Visitor], str]] = {
    "expired": _expired,
    "revoked": _revoked,
    "without its key": _without_its_key,
    "one letter off": _one_letter_off,
    "no token": lambda _: "/portal/x/",
    "an API key": lambda visitor: f"/portal/{visitor.caller.key}/",
    "another encoding": lambda visitor: f"/portal/{visitor.token}%00\ud83d\ude00/".replace(
        "\ud83d\ude00", "%F0%9F%98%80"
    ),
}


@pytest.mark.parametrize("closing", CLOSED)
def test_a_link_that_opens_nothing_is_one_page_everywhere(visitor: Visitor, closing: str) -> None:
    made = visitor.caller.delivery()
    ids = {"endpoint": made["endpoint"], "delivery": made["id"], "event": made["event"], "replay": "rpl_1"}
    root = CLOSED[closing](visitor)
    answers = set()
    for route in (*PAGES, Route("nowhere/")):
        for method in ("GET", "POST"):
            answer = Client().generic(method, root + _asked(route, ids))
            answers.add((answer.status_code, answer.content, answer["Content-Security-Policy"]))
    ((status, content, _),) = answers
    assert status == 404
    assert b"This link has ended" in content
    assert not any(one.encode() in content for one in (*ids.values(), visitor.token, "Shop"))


def _world(name: str) -> World:
    """With a replay too."""
    world = make_world(name)
    now = timezone.now()
    replay = Replay.objects.create(
        id=new_uuid(),
        owner=world.account.public_id,
        endpoint_id=decode_id("we", world.ids["endpoint"]),
        kind="failed",
        since=now,
        until=now,
        rate=1.0,
        state="running",
        created_by=world.account.public_id,
        created_at=now,
    )
    world.ids["replay"] = encode_id("rpl", replay.id)
    return world


@pytest.fixture
def worlds() -> tuple[World, World, Visitor]:
    """An owner, a stranger, and the stranger's link."""
    owner, stranger = _world("owner"), _world("stranger")
    return owner, stranger, visit(stranger.caller)


def test_somebody_elses_object_is_not_there(worlds: tuple[World, World, Visitor]) -> None:
    owner, stranger, visitor = worlds
    form = visitor.form_of("endpoints/new/")
    own = {"endpoint": stranger.ids["endpoint"], "overlap": "0"}
    before = _everything(owner)
    for route in PAGES:
        if route.kind is None:
            continue
        theirs = owner.ids[route.kind]
        unknown = theirs[:-3] + ("zzz" if theirs[-3:] != "zzz" else "yyy")
        for method in ("GET", "POST"):
            contents = []
            for named in (theirs, unknown):
                below = route.below.format(id=named)
                answer = visitor.get(below) if method == "GET" else visitor.send(below, own, form=form)
                expected = 404 if method == "GET" or route.below in CHANGES else 405
                assert answer.status_code == expected, f"{method} {route}"
                assert _held(answer.content, owner, but=theirs) == [], f"{method} {route}"
                contents.append(answer.content.decode().replace(named, "…"))
            assert contents[0] == contents[1], f"{method} {route}"
    assert _everything(owner) == before


def test_lists_filters_and_forms_find_nothing_of_others(worlds: tuple[World, World, Visitor]) -> None:
    owner, stranger, visitor = worlds
    before = _everything(owner)
    for route in PAGES:
        if route.kind is None:
            assert _held(visitor.get(route.below).content, owner) == [], route
        for name in route.fields:
            answer = visitor.send(_asked(route, stranger.ids), {name: owner.ids["endpoint"]})
            assert answer.status_code == 404, route
            assert _held(answer.content, owner, but=owner.ids["endpoint"]) == [], route
    for below, name, kind in FILTERS:
        answer = visitor.get(below, **{name: owner.ids[kind]})
        assert _held(answer.content, owner, but=owner.ids[kind]) == [], (below, name)
    assert _everything(owner) == before


def test_the_same_pages_hold_what_is_ones_own() -> None:
    """Else the tests above would pass on pages that show nothing."""
    owner = _world("owner")
    visitor = visit(owner.caller)
    for route in PAGES:
        if route.kind:
            assert owner.ids[route.kind] in visitor.text(_asked(route, owner.ids))
    assert owner.ids["delivery"] in visitor.text("deliveries/")
    assert owner.ids["event"] in visitor.text("events/")
    assert owner.ids["endpoint"] in visitor.text()
    assert owner.ids["replay"] in visitor.text("replays/")


def _held(content: bytes, world: World, *, but: str = "") -> list[str]:
    """What of somebody's is in an answer."""
    # Event ids of payments are not among these: the mark stands in every one of their bodies.
    return [one for one in (world.secrets | set(world.ids.values())) - {but} if one.encode() in content]


def _everything(world: World) -> Any:
    return (
        list(Endpoint.objects.filter(owner=world.account.public_id).values()),
        list(DeliveryRecord.objects.filter(owner=world.account.public_id).order_by("id").values()),
        list(Replay.objects.filter(owner=world.account.public_id).values()),
    )
