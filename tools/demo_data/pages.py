"""Every page there is, by the URL conf, each with an address at which the demo data has something to show.

A new page without an id in its path is found by itself; one with an id needs the kind of id in `Samples`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.urls.resolvers import RoutePattern

from tools.demo_data.stage import Stage

_PARAMETER = re.compile(r"<(?:\w+:)?\w+>")
# The first part of a path says whose id stands in it.
_KINDS = {
    "deliveries": "delivery",
    "endpoints": "endpoint",
    "events": "event",
    "payments": "payment",
    "requests": "request",
    "replays": "replay",
    "people": "person",
    "enter": "link",
    "portal": "portal",
    "attempts": "attempt",
    "catalogue": "event_type",
    "failures": "failure_code",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page to open.

    Attributes:
        key: its name among pictures and tests.
        path: with places for ids, as the URL conf has it, below the area's prefix.
        query: what stands behind the path.
        status: that it is answered with.
        logged_in: False for what a stranger sees.
    """

    key: str
    path: str
    query: str = ""
    status: int = 200
    logged_in: bool = True

    @property
    def kinds(self) -> list[str]:
        """Of the ids in its path, and of those in its query."""
        before: list[str] = []
        parts = self.path.split("/")
        for number, part in enumerate(parts):
            if _PARAMETER.fullmatch(part):
                before.append(_KINDS[parts[number - 1]])
        return before


_FOR_STRANGERS = frozenset({"ops-login", "ops-enter"})
# Of pages that ask for something, where nothing was given.
_STATUSES = {"portal-find": 400}
# Files to download.
_NO_PAGES = frozenset({"portal-schema"})
# What a page also has to hold: other states of the pages of the URL conf. `{kind}` in a query is such an id.
OTHER_STATES = (
    Page(key="overview-week", path="/ops/", query="?range=7d"),
    Page(key="audit-filters-refused", path="/ops/audit/", query="?subject=nonsense&range=2d", status=400),
    Page(key="deliveries-failed", path="/ops/deliveries/", query="?code=http_5xx&range=7d"),
    Page(key="deliveries-live", path="/ops/deliveries/", query="?live=1&state=succeeded"),
    Page(key="deliveries-none", path="/ops/deliveries/", query="?type=nothing.of_that_name&range=1h"),
    Page(key="deliveries-refused", path="/ops/deliveries/", query="?state=lost&endpoint={event}", status=400),
    Page(key="trace-of-payment", path="/ops/trace/", query="?id={payment}"),
    Page(key="trace-of-delivery", path="/ops/trace/", query="?id={delivery}"),
    Page(key="trace-of-endpoint", path="/ops/trace/", query="?id={endpoint}"),
    Page(key="trace-of-nothing", path="/ops/trace/", query="?id=event_12", status=400),
    Page(
        key="endpoint-limits-asked",
        path="/ops/endpoints/<id>/limits/",
        query="?max_in_flight=3&rate_limit=2.5",
    ),
    Page(
        key="endpoint-limits-refused",
        path="/ops/endpoints/<id>/limits/",
        query="?max_in_flight=0",
        status=400,
    ),
    Page(key="enter-unknown", path="/ops/enter/nobody-made-this-one/", status=404, logged_in=False),
    Page(key="trace-of-event", path="/ops/trace/", query="?id={event}"),
    Page(key="trace-refused", path="/ops/trace/", query="?id=evt_nonsense", status=400),
    Page(key="delivery-of-nobody", path="/ops/deliveries/dlv_0000000000000000000000/", status=404),
    Page(key="portal-ended", path="/portal/pst_nobody_made_this_one/", status=404, logged_in=False),
    Page(key="portal-not-found", path="/portal/<str:token>/nothing/", status=404, logged_in=False),
    Page(key="not-found", path="/ops/nothing-of-that-name/", status=404),
)


def all_pages() -> Iterator[Page]:
    """The pages of the URL conf, operations first, then their other states. Needs Django."""
    from api.ops.urls import urlpatterns as operations
    from api.portal.urls import urlpatterns as portal

    for prefix, patterns in (("/ops/", operations), ("/portal/", portal)):
        for pattern in patterns:
            # What is no route takes all the rest.
            if isinstance(pattern.pattern, RoutePattern) and pattern.name not in _NO_PAGES:
                assert pattern.name is not None
                yield Page(
                    key=pattern.name.removeprefix("ops-"),
                    path=f"{prefix}{pattern.pattern}",
                    status=_STATUSES.get(pattern.name, 200),
                    logged_in=prefix == "/ops/" and pattern.name not in _FOR_STRANGERS,
                )
    yield from OTHER_STATES


class Samples:
    """Ids for the places in paths and queries, of what a database holds.

    Args:
        rows: runs a query with its parameters.
        endpoint: one with failed attempts (`we_…`).
        account: its owner (`acct_…`).
        entry_link: the path of a one-time link.
        portal_link: makes a link to the account's portal; its URL.
    """

    def __init__(
        self,
        rows: Callable[..., list[tuple[Any, ...]]],
        *,
        endpoint: str,
        account: str,
        entry_link: str,
        portal_link: Callable[[], str],
    ) -> None:
        self._rows = rows
        self._portal_link = portal_link
        self._found = {
            "endpoint": endpoint,
            "account": account,
            "link": entry_link.strip("/").rpartition("/")[2],
        }

    @classmethod
    def of_stage(cls, stage: Stage) -> Self:
        return cls(
            stage.rows,
            endpoint=stage.endpoints["erp"],
            account=stage.merchants["northwind"].account,
            entry_link=stage.entry_link,
            portal_link=stage.portal_link,
        )

    def _portal(self) -> str:
        return self._portal_link().strip("/").rpartition("/")[2]

    def address(self, page: Page) -> str:
        """The page's path with ids in it, and its query."""
        kinds = iter(page.kinds)
        path = _PARAMETER.sub(lambda _: self.of(next(kinds)), page.path)
        query = re.sub(r"\{(\w+)\}", lambda place: self.of(place[1]), page.query)
        return path + query

    def of(self, kind: str) -> str:
        if kind not in self._found:
            self._found[kind] = getattr(self, f"_{kind}")()
        return self._found[kind]

    def _delivery(self) -> str:
        """Dead-lettered after several attempts, with a body to read."""
        return self._public("dlv", self._worst("delivery_id"))

    def _attempt(self) -> str:
        return self._public("att", self._worst("id"))

    def _event(self) -> str:
        return self._public("evt", self._worst("event_id"))

    def _payment(self) -> str:
        ((found,),) = self._rows(
            "SELECT object_id FROM outbox_event WHERE object_id LIKE 'pi_%%'"
            " AND type = 'payment_intent.succeeded' AND owner = %s ORDER BY id DESC LIMIT 1",
            self.of("account"),
        )
        return str(found)

    def _request(self) -> str:
        return self._public(
            "req",
            self._rows(
                "SELECT id FROM api_request_log WHERE method = 'POST' AND path LIKE '%%/payment_intents%%'"
                " ORDER BY id DESC LIMIT 1"
            )[0][0],
        )

    def _replay(self) -> str:
        ((found,),) = self._rows(
            "SELECT id FROM dispatcher_replay WHERE endpoint_id = %s ORDER BY id LIMIT 1",
            self._uuid("we", self.of("endpoint")),
        )
        return self._public("rpl", found)

    @staticmethod
    def _event_type() -> str:
        return "payment_intent.succeeded"

    def _person(self) -> str:
        return str(self._rows("SELECT id FROM auth_user WHERE is_staff ORDER BY id LIMIT 1")[0][0])

    def _worst(self, column: str) -> Any:
        ((found,),) = self._rows(
            f"SELECT {column} FROM dispatcher_attempt WHERE endpoint_id = %s AND response IS NOT NULL"
            " ORDER BY number >= 3 DESC, id DESC LIMIT 1",
            self._uuid("we", self.of("endpoint")),
        )
        return found

    @staticmethod
    def _public(prefix: str, value: Any) -> str:
        import uuid

        from outbox.identifiers import encode_id

        return encode_id(prefix, uuid.UUID(str(value)))

    @staticmethod
    def _uuid(prefix: str, text: str) -> str:
        from outbox.identifiers import decode_id

        return str(decode_id(prefix, text))
