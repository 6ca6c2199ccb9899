"""LOG_FORMAT: every line of every process is a JSON object that the reference tells of, or a text."""

import ast
import json
import logging
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from core.accounts import create_account
from core.api_keys import create_api_key
from core.logs import JsonFormatter
from tests.acceptance.client import ApiClient
from tests.acceptance.product import Product
from tests.log_lines import COMMON, ROOT, complaints, documented
from tests.processes import Command, worker_database_url

METHODS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
ROOMS = ("outbox", "dispatcher", "core", "api")


def emitted() -> dict[str, tuple[str, set[str]]]:
    """Every event that the code names: its level and its fields."""
    found: dict[str, tuple[str, set[str]]] = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for event, level, fields in _events(ast.parse(path.read_text())):
                known = found.setdefault(event, (level, set()))
                assert known[0] == level, event
                known[1].update(fields)
    return found


def _events(tree: ast.AST) -> list[tuple[str, str, set[str]]]:
    bound: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _method(node.value) == "bind":
            assert isinstance(node.value, ast.Call)
            for target in node.targets:
                bound[ast.unparse(target)] |= _keywords(node.value)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (level := METHODS.get(_method(node) or "")):
            event = _text(node.args[0]) if node.args else None
            if event is not None and "." in event and " " not in event:
                assert isinstance(node.func, ast.Attribute)
                fields = _keywords(node) | bound[ast.unparse(node.func.value)]
                if "exc_info" in fields or _method(node) == "exception":
                    fields = fields - {"exc_info"} | {"exception"}
                found.append((event, level, fields))
        elif isinstance(node, ast.Dict):
            # What is no structlog: a line that is written as a dict.
            keys = [_text(key) for key in node.keys if key is not None]
            if "event" in keys and "timestamp" in keys:
                event = _text(node.values[keys.index("event")])
                assert event is not None
                level = "any" if "level" in keys else "none"
                found.append((event, level, {key for key in keys if key} - COMMON))
    return found


def _method(node: ast.AST) -> str | None:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


def _keywords(node: ast.Call) -> set[str]:
    return {keyword.arg for keyword in node.keywords if keyword.arg}


def _text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def test_the_reference_has_every_event_its_level_and_its_fields() -> None:
    code = emitted()
    assert len(code) > 20
    code["log"][1].add("exception")  # added where there is one
    assert documented() == code


@pytest.mark.django_db(transaction=True)
def test_every_line_of_every_process_is_one_that_the_reference_tells_of() -> None:
    key = create_api_key(account=create_account(name="Shop"), name="server")
    with Product(
        worker_database_url(), LOG_FORMAT="json", API_LOG_REQUESTS="true", BANK_DELAY_SECONDS="0"
    ) as product:
        granian = ["--log-config", str(ROOT / "docs" / "observability" / "granian-logging.json")]
        api = product.start_api(options=granian)
        with ApiClient(api.port, api_key=key) as client:
            confirmed = client.send(
                "POST",
                "/payment_intents/",
                {
                    "amount": 2000,
                    "currency": "usd",
                    "payment_method": "pm_usBankAccount_success",
                    "confirm": True,
                },
            )
            assert confirmed.status == 201
            client.send("GET", "/payment_intents/pi_nobody/")
        settlement = product.start_settlement()
        settlement.says("payment.settled")
        dispatcher = product.start_dispatcher()
        dispatcher.says("dispatcher ready")
        relay = product.start("run_cli_relay", "--port", "0")
        relay.says("cli_relay.ready")
        for command in (dispatcher, settlement, relay, api.command):
            product.stop(command)
    for command in (dispatcher, settlement, relay, api.command):
        assert command.output()
        assert complaints(command.output().splitlines()) == []
    requests = [told for line in api.command.stderr if (told := json.loads(line))["event"] == "api.request"]
    shown = [(told["method"], told["route"], told["status"], told["code"]) for told in requests]
    assert shown == [
        ("POST", "/payment_intents", 201, None),
        ("GET", "/payment_intents/{id}", 404, "resource_missing"),
    ]
    assert requests[0]["request_id"] == confirmed.headers["request-id"]


@pytest.mark.django_db(transaction=True)
def test_text_is_for_people_wherever_it_goes() -> None:
    with Command("run_settlement", "--once", LOG_FORMAT="text", DATABASE_URL=_unmigrated()) as settlement:
        assert settlement.wait() == 3
    with Command("run_dispatcher", "--drain", LOG_FORMAT="text") as dispatcher:
        assert dispatcher.wait() == 0
    assert dispatcher.stderr == ["dispatcher ready: 256 slots, lease 30 s; Ctrl-C drains\n"]


def _unmigrated() -> str:
    from urllib.parse import urlsplit

    return urlsplit(worker_database_url())._replace(path="/template1").geturl()


def test_another_format_stops_the_start() -> None:
    with Command("check", LOG_FORMAT="xml") as command:
        assert command.wait() == 2
    assert "LOG_FORMAT: Must be one of: auto, json, text." in command.output()


def test_what_libraries_log_is_looked_through_for_secrets() -> None:
    def record(message: str, **extra: Any) -> dict[str, Any]:
        made = logging.LogRecord("django", logging.ERROR, "file", 1, message, None, extra.get("error"))
        line: dict[str, Any] = json.loads(JsonFormatter().format(made))
        return line

    line = record("key sk_test_canary\nof a second line")
    assert (line["event"], line["level"], line["logger"]) == ("log", "error", "django")
    assert line["message"] == "key [redacted]\nof a second line"
    try:
        raise ValueError("whsec_canary")
    except ValueError:
        told = record("it failed", error=sys.exc_info())
    assert "ValueError: [redacted]" in told["exception"]
    assert complaints([json.dumps(line), json.dumps(told)]) == []


def test_the_search_for_complaints_finds_them() -> None:
    assert len(complaints(["a sentence", '{"event": "api.brewed"}'])) == 2
    surplus = '{"event": "api.failed", "level": "error", "request_id": "req_1", "body": "x"}'
    assert complaints([surplus]) == [f"{{'body'}} not on the page: {surplus}"]
    assert len(complaints(['{"event": "api.failed", "level": "info"}'])) == 1


def test_the_page_of_granians_configuration_names_a_formatter_that_exists() -> None:
    chosen = json.loads((ROOT / "docs" / "observability" / "granian-logging.json").read_text())
    assert chosen["formatters"]["json"]["()"] == f"{JsonFormatter.__module__}.{JsonFormatter.__qualname__}"
    assert Path(ROOT / "docs" / "reference" / "logs.md").read_text().count("granian-logging.json") == 1
