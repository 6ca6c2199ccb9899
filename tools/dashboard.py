"""The Grafana dashboard, written from the panels below: `python -m tools.dashboard` after a change of them.

What Grafana reads is docs/observability/grafana-dashboard.json; a test holds that it is what this writes, and that
every metric and label in it exists.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "docs" / "observability" / "grafana-dashboard.json"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24  # of Grafana's grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Series over time, or one number.

    Attributes:
        queries: expression → what its series are called, in Grafana's words (`{{state}}`).
        says: shown where one asks what it is.
        alarming: the number at which a single one turns red.
    """

    title: str
    queries: dict[str, str]
    says: str
    unit: str = "short"
    single: bool = False
    alarming: float | None = None

    @property
    def width(self) -> int:
        return 4 if self.single else 8

    @property
    def height(self) -> int:
        return 4 if self.single else 8


def _rate(metric: str, by: str = "", selector: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{selector}[$__rate_interval]))"


def _quantile(quantile: float, metric: str, by: str = "") -> str:
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({quantile}, sum by ({groups}) (rate({metric}_bucket[$__rate_interval])))"


def _quantiles(metric: str, by: str = "", of: str = "") -> dict[str, str]:
    return {_quantile(one, metric, by): f"p{one * 100:g}{of}" for one in (0.5, 0.95, 0.99)}


def _share(part: str, whole: str) -> str:
    return f"{part} / clamp_min({whole}, 1e-9)"


ROWS: dict[str, list[Panel]] = {
    "Is anything wrong?": [
        Panel(
            title="Oldest due delivery",
            queries={'max(dispatcher_oldest_due_age_seconds{which="permitted"})': "late"},
            says="Of those that a dispatcher may claim at once. Above a minute dispatchers are missing or slow.",
            unit="s", single=True, alarming=60,
        ),
        Panel(
            title="Attempts that succeed",
            queries={
                _share(
                    _rate("dispatcher_attempts_total", selector='{outcome="succeeded"}'),
                    _rate("dispatcher_attempts_total"),
                ): "share"
            },
            says="Of all that were recorded. What is missing is mostly the merchants' business: see the codes below.",
            unit="percentunit", single=True,
        ),
        Panel(
            title="Circuits open",
            queries={'max(dispatcher_circuits{state="open"})': "open"},
            says="Endpoints that failed ten times in a row and are left alone for a while.",
            single=True,
        ),
        Panel(
            title="API answers that are 5xx",
            queries={
                _share(_rate("api_requests_total", selector='{status="5xx"}'), _rate("api_requests_total")): "share"
            },
            says="Faults of ours, and a database that does not answer.",
            unit="percentunit", single=True, alarming=0.01,
        ),
        Panel(
            title="Oldest due settlement",
            queries={"max(settlement_oldest_due_age_seconds)": "late"},
            says="Payments and refunds whose answer of the bank nobody has applied yet.",
            unit="s", single=True, alarming=120,
        ),
        Panel(
            title="Paused",
            queries={"max(dispatcher_paused)": "paused"},
            says="1 while all deliveries are paused by hand.",
            single=True, alarming=1,
        ),
    ],
    "Deliveries": [
        Panel(
            title="Attempts a second",
            queries={_rate("dispatcher_attempts_total", "outcome"): "{{outcome}}"},
            says="Every HTTP try that was recorded.",
            unit="reqps",
        ),
        Panel(
            title="Why attempts fail",
            queries={_rate("dispatcher_attempts_total", "failure_code", '{outcome="failed"}'): "{{failure_code}}"},
            says="By failure code; each has a section in the documentation.",
            unit="reqps",
        ),
        Panel(
            title="From event to first attempt",
            queries=_quantiles("dispatcher_event_to_first_attempt_seconds"),
            says="What a merchant waits for, beside his own network.",
            unit="s",
        ),
        Panel(
            title="Backlog",
            queries={"max by (state) (dispatcher_backlog)": "{{state}}"},
            says="Due includes what waits for its endpoint: a hold, an open circuit, a rate, a full lane.",
        ),
        Panel(
            title="Oldest due",
            queries={"max by (which) (dispatcher_oldest_due_age_seconds)": "{{which}}"},
            says="`permitted` is ours to answer for; where `any` alone is high, endpoints are slow or down.",
            unit="s",
        ),
        Panel(
            title="Deliveries that ended",
            queries={_rate("dispatcher_deliveries_ended_total", "state"): "{{state}}"},
            says="Dead-lettered ones are lost to their merchant until somebody replays them.",
            unit="reqps",
        ),
    ],
    "Dispatchers": [
        Panel(
            title="Requests in flight",
            queries={
                "dispatcher_sends_in_flight": "{{instance}}",
                "max(dispatcher_leases)": "leases of all processes",
            },
            says="At --concurrency there is no slot free. Leases include what waits for one.",
        ),
        Panel(
            title="Cycle, claim and record, 99th percentile",
            queries={
                _quantile(0.99, f"dispatcher_{name}_seconds"): name for name in ("cycle", "claim", "record")
            },
            says="The database's part of a dispatcher's time.",
            unit="s",
        ),
        Panel(
            title="Leases that ran out, attempts superseded",
            queries={
                _rate("dispatcher_leases_expired_total"): "leases expired",
                _rate("dispatcher_attempts_superseded_total"): "attempts superseded",
            },
            says="Dispatchers die or hang, or are starved for longer than a lease.",
            unit="reqps",
        ),
        Panel(
            title="Events in, deliveries out",
            queries={
                "max(rate(dispatcher_events_recorded_total[$__rate_interval]))": "events recorded",
                _rate("dispatcher_events_fanned_out_total"): "events fanned out",
                _rate("dispatcher_deliveries_created_total"): "deliveries created",
                _rate("dispatcher_deliveries_claimed_total"): "deliveries claimed",
            },
            says="Where the first is above the second for long, fan-out falls behind.",
            unit="reqps",
        ),
        Panel(
            title="Circuits that are not closed",
            queries={"max by (state) (dispatcher_circuits)": "{{state}}"},
            says="Endpoints, by the state of their circuit.",
        ),
        Panel(
            title="Database out of reach, rows astray",
            queries={
                "1 - min(dispatcher_database_up)": "dispatcher without database",
                "1 - min(settlement_database_up)": "settlement without database",
                "1 - min(cli_relay_database_up)": "relay without database",
                "max by (table) (dispatcher_default_partition_rows)": "{{table}}",
            },
            says="All of it should be 0.",
        ),
    ],
    "API": [
        Panel(
            title="Requests a second",
            queries={_rate("api_requests_total", "status"): "{{status}}"},
            says="By class of status.",
            unit="reqps",
        ),
        Panel(
            title="Time of a request",
            queries=_quantiles("api_request_seconds"),
            says="From the first look at a request to its answer.",
            unit="s",
        ),
        Panel(
            title="Slowest routes, 95th percentile",
            queries={
                "topk(10, histogram_quantile(0.95, sum by (le, route, method) "
                "(rate(api_request_seconds_bucket[$__rate_interval]))))": "{{method}} {{route}}"
            },
            says="The ten that are slowest now.",
            unit="s",
        ),
        Panel(
            title="Requests in flight",
            queries={"api_requests_in_flight": "{{instance}}"},
            says="At the server's threads there is none free.",
        ),
        Panel(
            title="Replays, limits, refused keys",
            queries={
                _rate("api_idempotent_replays_total"): "idempotent replays",
                _rate("api_rate_limited_total"): "rate limited",
                _rate("api_authentication_failures_total", "code"): "401 {{code}}",
            },
            says="Retries that changed nothing, and requests that got nowhere.",
            unit="reqps",
        ),
        Panel(
            title="Events recorded",
            queries={f"topk(10, {_rate('outbox_events_recorded_total', 'type')})": "{{type}}"},
            says="By type, over all processes that record.",
            unit="reqps",
        ),
    ],
    "Settlement and the CLI's relay": [
        Panel(
            title="Settled a second",
            queries={_rate("settlement_settled_total", "kind, outcome"): "{{kind}} {{outcome}}"},
            says="Payments and refunds, by outcome.",
            unit="reqps",
        ),
        Panel(
            title="Due, and for how long",
            queries={
                "max by (kind) (settlement_due)": "{{kind}}s due",
                "max by (kind) (settlement_oldest_due_age_seconds)": "oldest {{kind}}, seconds",
            },
            says="What no process has under lease.",
        ),
        Panel(
            title="Time of a settlement",
            queries=_quantiles("settlement_seconds", "kind", of=" {{kind}}"),
            says="The bank's answer and the commit included.",
            unit="s",
        ),
        Panel(
            title="Settlements that failed",
            queries={
                _rate("settlement_failures_total", "kind"): "{{kind}}",
                _rate("settlement_database_losses_total"): "no database",
                _rate("settlement_leased_total"): "leased",
            },
            says="Faults of ours fall due again; leased is there to compare.",
            unit="reqps",
        ),
        Panel(
            title="Stripe CLIs",
            queries={"sum by (feature) (cli_relay_sessions)": "{{feature}}"},
            says="Connected now.",
        ),
        Panel(
            title="What relays push and hear",
            queries={
                _rate("cli_relay_messages_pushed_total", "feature"): "pushed {{feature}}",
                _rate("cli_relay_words_total", "word"): "{{word}}",
                _rate("cli_relay_admissions_total", "answer"): "connection {{answer}}",
            },
            says="Each message is pushed until it is acknowledged.",
            unit="reqps",
        ),
    ],
    "Processes": [
        Panel(
            title="Processor",
            queries={"rate(process_cpu_seconds_total[$__rate_interval])": "{{job}} {{instance}}"},
            says="Cores that each process uses.",
        ),
        Panel(
            title="Memory",
            queries={"process_resident_memory_bytes": "{{job}} {{instance}}"},
            says="Resident.",
            unit="bytes",
        ),
        Panel(
            title="Descriptors",
            queries={"process_open_fds / process_max_fds": "{{job}} {{instance}}"},
            says="Open, of those that it may open.",
            unit="percentunit",
        ),
    ],
}  # fmt: skip


def main() -> None:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text())
    print(FILE)


def text() -> str:
    """The file's content."""
    return json.dumps(_dashboard(), indent=2, ensure_ascii=False) + "\n"


def _dashboard() -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
                "panels": [],
            }
        )
        top += 1
        left = 0
        for panel in row:
            if left + panel.width > _COLUMNS:
                left, top = 0, top + panel.height
            panels.append(_panel(panel, len(panels) + 1, left, top))
            left += panel.width
        top += row[-1].height
    return {
        "uid": "ministripe",
        "title": "Mini Stripe: payments and webhooks",
        "description": "Written by tools/dashboard.py of the repository, which is to be changed instead of this.",
        "tags": ["ministripe"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": panels,
    }


def _panel(panel: Panel, id: int, left: int, top: int) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.alarming is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.alarming}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    return {
        "id": id,
        "type": "stat" if panel.single else "timeseries",
        "title": panel.title,
        "description": panel.says,
        "datasource": _SOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for number, (expression, legend) in enumerate(panel.queries.items())
        ],
    }


if __name__ == "__main__":
    main()
