"""A relay process, and a CLI as we play it: the official one's part of the protocol, and what it would never do."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api.cli_relay.messages import SUBPROTOCOL
from tests.processes import PATIENCE, Command

READY = re.compile(r"CLI relay ready: (ws://\S+/)")


def relay_url(relay: Command) -> str:
    """Where it listens, once it does."""
    relay.says("CLI relay ready")
    found = READY.search("".join(relay.stderr))
    assert found is not None, relay.output()
    return found[1]


@contextmanager
def running_relay(*arguments: str) -> Iterator[Command]:
    with Command("run_cli_relay", "--port", "0", "--poll-interval", "0.05", *arguments) as relay:
        relay_url(relay)
        yield relay


@contextmanager
def socket_to(url: str, token: str, **options: Any) -> Iterator[ClientConnection]:
    options.setdefault("subprotocols", [SUBPROTOCOL])
    with connect(
        f"{url}?websocket_feature=webhooks",
        additional_headers={"Websocket-Id": token},
        proxy=None,
        open_timeout=PATIENCE,
        **options,
    ) as socket:
        yield socket


def received(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next messages of the default version, parsed; those for `--latest` are passed over."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < count:
        message = json.loads(socket.recv(timeout=deadline - time.monotonic()))
        if message.get("endpoint", {}).get("api_version") is None:
            found.append(message)
    return found


def end_of(socket: ClientConnection) -> tuple[int | None, str]:
    """Read until it is closed; gives the other side's code and reason, no code where it just went away."""
    try:
        while True:
            socket.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        return (None, "") if closed.rcvd is None else (closed.rcvd.code, closed.rcvd.reason)


def acknowledge(socket: ClientConnection, message: dict[str, Any]) -> None:
    token = message.get("webhook_id") or message["request_log_id"]
    socket.send(json.dumps({"type": "event_ack", "event_token": token, "webhook_conversation_id": token}))


def answer(socket: ClientConnection, message: dict[str, Any], *, status: int = 200, body: str = "ok") -> None:
    socket.send(
        json.dumps(
            {
                "type": "webhook_response",
                "webhook_id": message["webhook_id"],
                "webhook_conversation_id": message["webhook_conversation_id"],
                "forward_url": "http://127.0.0.1:4242/hook",
                "status": status,
                "body": body,
                "http_headers": {"Content-Type": "text/plain"},
            }
        )
    )
