"""The form of an endpoint: its fields as people fill them in, and as the services take them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from api.errors import InvalidParameter
from api.parsers import FormTree
from api.views.webhook_endpoints import canonical_events
from api.webhook_inputs import PORTAL_ENDPOINT
from core.versions import EVENT_TYPES, shown_event_type
from dispatcher.errors import InvalidEndpoint, TooManyEndpoints
from dispatcher.models import Endpoint
from dispatcher.urls import UrlRefused

FIELDS = ("url", "description", "enabled_events")
REFUSALS = (InvalidParameter, UrlRefused, InvalidEndpoint, TooManyEndpoints)
EVERYTHING, CHOSEN = "all", "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChoice:
    """One event in the list of those to choose from."""

    name: str  # as the version has it
    tells: str
    chosen: bool


@dataclass(slots=True, kw_only=True)
class EndpointForm:
    """What stands in the form, and what is wrong with it."""

    version: str
    url: str = ""
    description: str = ""
    which: str = EVERYTHING
    events: frozenset[str] = frozenset()  # as the version names them
    problems: dict[str, str] = field(default_factory=dict)  # field → in words

    @property
    def groups(self) -> list[tuple[str, list[EventChoice]]]:
        """All events by what they are about, for the list to choose from."""
        names = [(name, shown_event_type(name, self.version)) for name in EVENT_TYPES]
        return [
            (
                about.replace("_", " "),
                [
                    EventChoice(name=shown, tells=EVENT_TYPES[name], chosen=shown in self.events)
                    for name, shown in group
                ],
            )
            for about, group in groupby(names, key=lambda pair: pair[0].partition(".")[0])
        ]

    def refuse(self, error: Exception) -> None:
        """Put an error of the services beside the field that it is about."""
        match error:
            case InvalidParameter():
                name = (error.param or "").partition("[")[0]
                self.problems[name if name in FIELDS else "form"] = error.message
            case UrlRefused():
                self.problems["url"] = str(error)
            case InvalidEndpoint():
                self.problems[error.field if error.field in FIELDS else "form"] = error.reason
            case _:
                self.problems["form"] = str(error)


def form_of(endpoint: Endpoint) -> EndpointForm:
    """The form of an endpoint as it is."""
    everything = "*" in endpoint.enabled_events
    return EndpointForm(
        version=endpoint.api_version,
        url=endpoint.url,
        description=endpoint.description or "",
        which=EVERYTHING if everything else CHOSEN,
        events=frozenset(
            shown_event_type(name, endpoint.api_version) for name in endpoint.enabled_events if name != "*"
        ),
    )


def form_from(tree: FormTree, version: str) -> EndpointForm:
    """The form as it was sent, to be shown again; nothing is judged."""
    events: Any = tree.get("enabled_events", {})
    return EndpointForm(
        version=version,
        url=_text(tree, "url"),
        description=_text(tree, "description"),
        which=CHOSEN if tree.get("which") == CHOSEN else EVERYTHING,
        events=frozenset(map(str, events.values())) if isinstance(events, Mapping) else frozenset(),
    )


def values_from(tree: FormTree, version: str) -> dict[str, Any]:
    """url, description and the stored names of enabled_events.

    Raises:
        InvalidParameter: a field is missing or cannot be what it is.
    """
    given = {name: value for name, value in tree.items() if name != "which"}
    if tree.get("which", EVERYTHING) == EVERYTHING:
        given["enabled_events"] = {"0": "*"}
    elif "enabled_events" not in given:
        raise InvalidParameter(
            "Choose at least one event, or all of them.",
            code="parameter_missing",
            param="enabled_events",
        )
    values = PORTAL_ENDPOINT.validated(FormTree(given))
    values["enabled_events"] = canonical_events(values["enabled_events"], version)
    return values


def _text(tree: FormTree, name: str) -> str:
    value = tree.get(name, "")
    return value if isinstance(value, str) else ""
