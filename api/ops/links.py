"""Where each kind of thing has its page."""

from urllib.parse import quote

_PAGES = {
    "dlv": "/ops/deliveries/",
    "evt": "/ops/events/",
    "we": "/ops/endpoints/",
    "pi": "/ops/payments/",
    "req": "/ops/requests/",
    "rpl": "/ops/replays/",
}


def page_of(public_id: str) -> str:
    """The page of what an id names; of kinds without a page of their own, their trace."""
    within = _PAGES.get(public_id.partition("_")[0])
    shown = quote(public_id, safe="")
    return f"/ops/trace/?id={shown}" if within is None else f"{within}{shown}/"
