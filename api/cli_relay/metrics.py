"""Metrics of a relay of the Stripe CLI. Needs prometheus-client, which nothing imports unless metrics are served."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from api.cli_relay.messages import Acknowledgement, ForwardedAnswer
from api.cli_relay.switchboard import Switchboard
from api.models import CliFeature
from outbox.exposition import Families, ProcessMetrics
from outbox.measures import EVENTS_RECORDED, Description

CATALOGUE = (
    Description("cli_relay_sessions", "gauge", "Stripe CLIs that are connected to this relay.", ("feature",)),
    Description(
        "cli_relay_admissions_total", "counter",
        "Connections that this relay decided on: admitted, of a session that is unknown, or one too many.", ("answer",),
    ),
    Description(
        "cli_relay_messages_pushed_total", "counter",
        "Events and lines of the request log that this relay pushed, each as often as it did.", ("feature",),
    ),
    Description(
        "cli_relay_words_total", "counter",
        "What CLIs said that this relay wrote down: acknowledgements, and answers of developers' programs.", ("word",),
    ),
    Description("cli_relay_database_up", "gauge", "Whether this relay reaches the database."),
    EVENTS_RECORDED,
)  # fmt: skip
_FAMILIES = Families(CATALOGUE)
_WORDS = {Acknowledgement: "acknowledgement", ForwardedAnswer: "answer"}


class Metrics(ProcessMetrics):
    """The collector of one relay."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        super().__init__()

    def collect(self) -> Iterator[Metric]:
        board = self._switchboard
        sessions = board.sessions()
        features = [(str(feature), feature) for feature in CliFeature]
        yield _FAMILIES.gauge(
            "cli_relay_sessions", [((name,), sessions[feature]) for name, feature in features]
        )
        yield _FAMILIES.counter(
            "cli_relay_admissions_total",
            [((answer,), board.admissions[answer]) for answer in ("admitted", "unknown", "full")],
        )
        yield _FAMILIES.counter(
            "cli_relay_messages_pushed_total",
            [((name,), board.pushed[feature]) for name, feature in features],
        )
        yield _FAMILIES.counter(
            "cli_relay_words_total", [((name,), board.words[word]) for word, name in _WORDS.items()]
        )
        yield _FAMILIES.gauge("cli_relay_database_up", board.is_connected)
        yield _FAMILIES.recorded()
