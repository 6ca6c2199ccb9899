"""The metrics of all kinds of process, as the code describes them."""

import api.cli_relay.metrics
import api.metrics
import core.metrics
import dispatcher.metrics

CATALOGUES = {
    "dispatcher": dispatcher.metrics.CATALOGUE,
    "api": api.metrics.CATALOGUE,
    "settlement": core.metrics.CATALOGUE,
    "cli_relay": api.cli_relay.metrics.CATALOGUE,
}
DESCRIBED = {one.name: one for catalogue in CATALOGUES.values() for one in catalogue}
