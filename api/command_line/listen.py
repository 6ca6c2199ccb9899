"""`webhooks listen`: a receiver on this machine, with an endpoint of its own for as long as it runs."""

import argparse
import contextlib
import json
import os
import queue
import socket
from collections.abc import Iterator
from typing import Any

from django.db import Error

from api.command_line.accounts import choose_account, find_endpoint
from api.command_line.arguments import add_account, bounded, endpoint_id
from api.command_line.endpoints import stored_events
from api.command_line.errors import ArgumentRefused, CommandRefused, ExitCode
from api.command_line.known_deliveries import secrets_of
from api.command_line.moments import clock, moment_text
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.receiver import Receipt, Receiver
from api.command_line.subcommands import Subcommand
from core.models import Account
from core.stop_signal import StopSignal
from core.versions import VERSIONS
from dispatcher.config import dispatcher_settings
from dispatcher.endpoints import create_endpoint, delete_endpoint, endpoints_of
from dispatcher.errors import DispatcherError, EndpointNotFound
from dispatcher.models import DeliveryRecord, Endpoint
from dispatcher.processes import Liveness, known_processes
from dispatcher.urls import ANY_PORT, UrlRefused, UrlRules, check_url
from outbox.database import disconnect
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

_MADE_BY = "webhooks listen"
_LOOK_EVERY = 0.2  # seconds
_UNPRIVILEGED = 1024
_FOR_LOCAL = "WEBHOOK_ALLOW_HTTP=true WEBHOOK_ALLOW_ADDRESSES=127.0.0.0/8 WEBHOOK_EXTRA_PORTS=any"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_account(parser)
    parser.add_argument(
        "--endpoint",
        metavar="we_…",
        type=endpoint_id,
        help="receive what is sent to this endpoint, whose URL has to lead here, and make none",
    )
    parser.add_argument(
        "--events", metavar="TYPE", nargs="+", default=["*"], help="the event types (default: all)"
    )
    parser.add_argument(
        "--forward-to", metavar="URL", type=_url, help="hand every delivery on to your program"
    )
    parser.add_argument("--print-json", action="store_true", help="show each body, too")
    parser.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--port", metavar="N", type=bounded(0, 65_535), default=0, help="to listen on (default: a free one)"
    )
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="the URL of a tunnel that leads here, instead of http://127.0.0.1:port/",
    )
    parser.add_argument(
        "--api-version", choices=list(VERSIONS), help="of what is sent (default: the account's)"
    )


def _listen(arguments: argparse.Namespace, output: Output) -> int:
    stop = StopSignal()
    try:
        receiver = open_receiver(arguments)
    except OSError as error:
        raise ArgumentRefused(
            "--port", f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror}"
        ) from None
    with receiver, _endpoint(arguments, receiver, output) as endpoint:
        stop.listen()
        warn_without_dispatcher(output)
        while not stop.requested:
            with contextlib.suppress(queue.Empty):
                while True:
                    receipt = receiver.receipts.get_nowait()
                    _show(receipt, endpoint, arguments, output)
            stop.wait(_LOOK_EVERY)
    return ExitCode.FINE


def open_receiver(arguments: argparse.Namespace) -> Receiver:
    """On the port that is asked for, else on one that dispatchers may send to, where few are. Raises OSError."""
    permitted = dispatcher_settings().url_rules.ports
    ports = [arguments.port]
    if not arguments.port and arguments.public_url is None and permitted != ANY_PORT:
        ports = [*sorted(port for port in permitted if port >= _UNPRIVILEGED), 0]
    for port in ports[:-1]:
        with contextlib.suppress(OSError):
            return Receiver(host=arguments.host, port=port, forward_to=arguments.forward_to)
    return Receiver(host=arguments.host, port=ports[-1], forward_to=arguments.forward_to)


@contextlib.contextmanager
def _endpoint(arguments: argparse.Namespace, receiver: Receiver, output: Output) -> Iterator[Endpoint]:
    """The one that is named, else a new one, which is deleted at the end."""
    if arguments.endpoint is not None:
        endpoint = find_endpoint(arguments.endpoint)
        receiver.secret = secrets_of(endpoint.id)[0].secret
        output.talk(
            f"Receiving for {endpoint.public_id}, which sends to {endpoint.url}, on port {receiver.port}."
        )
        yield endpoint
        return
    account = choose_account(arguments.account)
    _remove_abandoned(account)
    endpoint, receiver.secret = _make(arguments, account, receiver.port)
    try:
        _introduce(endpoint, receiver.secret, output)
        yield endpoint
    finally:
        remove(endpoint, output)


def remove(endpoint: Endpoint, output: Output) -> None:
    """Delete it, or say that it stays. Not inside a transaction."""
    try:
        disconnect()  # it may have died since it was used last, perhaps hours ago
        with contextlib.suppress(EndpointNotFound):
            delete_endpoint(owner=endpoint.owner, endpoint_id=endpoint.id)
    except Error:
        output.warning(
            f"The database is out of reach, so {endpoint.public_id} stays. The next `webhooks listen` on this "
            "machine removes it."
        )
    else:
        output.talk(f"{endpoint.public_id} is removed.")


def _make(arguments: argparse.Namespace, account: Account, port: int) -> tuple[Endpoint, str]:
    version = arguments.api_version or account.api_version
    try:
        return create_endpoint(
            owner=account.public_id,
            url=arguments.public_url or f"http://127.0.0.1:{port}/",
            enabled_events=stored_events(arguments.events, version),
            api_version=version,
            description="webhooks listen, while it runs",
            metadata={"made_by": _MADE_BY, "host": socket.gethostname(), "pid": str(os.getpid())},
        )
    except UrlRefused as refused:
        if arguments.public_url is not None:
            raise ArgumentRefused("--public-url", refused.reason) from None
        raise CommandRefused(
            f"This installation does not deliver to this machine ({refused.reason}). For development set "
            f"{_FOR_LOCAL} here "
            "and for run_dispatcher, or give a tunnel's address with --public-url.",
            code=ExitCode.USAGE,
        ) from None


def _remove_abandoned(account: Account) -> None:
    """Endpoints of this command whose process on this machine was killed: nobody else will remove them."""
    ours = {"made_by": _MADE_BY, "host": socket.gethostname()}
    for row in endpoints_of(account.public_id).filter(metadata__contains=ours):
        pid = row.metadata.get("pid", "")
        if pid.isdigit() and not _is_running(int(pid)):
            with contextlib.suppress(DispatcherError):
                delete_endpoint(owner=row.owner, endpoint_id=row.id)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _introduce(endpoint: Endpoint, secret: str, output: Output) -> None:
    output.record(
        {"kind": "ready", "endpoint": endpoint.public_id, "url": endpoint.url, "secret": secret},
        joined(toned("Ready.", Tone.GOOD), f" {endpoint.public_id} sends to {endpoint.url}"),
        joined("Signing secret: ", toned(secret, Tone.STRONG)),
    )
    output.talk("Ctrl-C ends it and removes the endpoint.")


def warn_without_dispatcher(output: Output) -> None:
    if not any(process.liveness is Liveness.ALIVE for process in known_processes()):
        output.warning("No dispatcher is running, so nothing will come. Start one: manage.py run_dispatcher")


def _show(receipt: Receipt, endpoint: Endpoint, arguments: argparse.Namespace, output: Output) -> None:
    event = _parsed(receipt.body)
    try:
        delivery = _delivery(receipt, endpoint)
    except Error:
        # What arrived is shown all the same; the next look opens a connection anew.
        disconnect()
        delivery = None
    output.record(
        _fields(receipt, event, delivery, whole=arguments.print_json), *_lines(receipt, event, delivery)
    )
    if arguments.print_json and not output.as_json:
        output.text(json.dumps(event, indent=2, ensure_ascii=False))


def _fields(
    receipt: Receipt, event: dict[str, Any], delivery: tuple[str, int] | None, *, whole: bool
) -> dict[str, Any]:
    forwarded = receipt.forwarded
    return {
        "kind": "received",
        "at": moment_text(receipt.at),
        "type": event.get("type"),
        "event": event.get("id"),
        "delivery": None if delivery is None else delivery[0],
        "attempt": None if delivery is None else delivery[1],
        "verified": {verdict.scheme.value: verdict.verifies for verdict in receipt.verdicts},
        "causes": [cause.code for verdict in receipt.verdicts for cause in verdict.causes],
        "answered": receipt.answered,
        "forwarded": None
        if forwarded is None
        else {"status": forwarded.status, "ms": round(forwarded.ms, 1), "detail": forwarded.detail},
        **({"body": event} if whole else {}),
    }


def _lines(receipt: Receipt, event: dict[str, Any], delivery: tuple[str, int] | None) -> Iterator[Line]:
    moment = clock(receipt.at)
    yield joined(f"{moment}  --> ", toned(str(event.get("type")), Tone.STRONG), f" [{event.get('id')}]")
    which = "" if delivery is None else f", attempt {delivery[1]} [{delivery[0]}]"
    label = toned(str(receipt.answered), Tone.GOOD if receipt.answered < 300 else Tone.BAD)
    if not receipt.verified:
        causes = dict.fromkeys(cause.happened for verdict in receipt.verdicts for cause in verdict.causes)
        yield joined(f"{moment}  <-- [", label, f"] signature refused: {'; '.join(causes)}{which}")
    elif receipt.forwarded is None:
        yield joined(f"{moment}  <-- [", label, f"] both signatures verify{which}")
    elif receipt.forwarded.status is None:
        yield joined(
            f"{moment}  <-- [",
            toned("ERR", Tone.BAD),
            f"] forwarding failed: {receipt.forwarded.detail}{which}",
        )
    else:
        yield joined(
            f"{moment}  <-- [",
            label,
            f"] POST forwarded ({receipt.forwarded.ms:.0f} ms), both signatures verify{which}",
        )


def _delivery(receipt: Receipt, endpoint: Endpoint) -> tuple[str, int] | None:
    """Which delivery this was, and which attempt: its newest to us that is under way, or was."""
    try:
        event_id = decode_id("evt", receipt.headers.get("webhook-id", ""))
    except InvalidIdentifier:
        return None
    rows = DeliveryRecord.objects.filter(owner=endpoint.owner, event_id=event_id, endpoint_id=endpoint.id)
    row = rows.order_by("-resend_no").first()
    return None if row is None else (row.public_id, max(1, row.attempts))


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _url(text: str) -> str:
    """Of a program of one's own: http and every port are permitted."""
    text = text if "://" in text else f"http://{text}"
    try:
        return check_url(text, UrlRules(allow_http=True, ports=ANY_PORT)).text
    except UrlRefused as refused:
        raise argparse.ArgumentTypeError(f"{text[:80]!r}: {refused.reason}") from None


SUBCOMMAND = Subcommand(
    name="listen",
    help="receive webhooks on this machine, verify them and hand them on",
    description=(
        "Receive webhooks on this machine: makes an endpoint for as long as it runs, shows its signing "
        "secret, verifies both "
        "signatures of what arrives, and hands it on to your program with --forward-to, answering as that "
        "answers. Needs no "
        "account anywhere. Ctrl-C removes the endpoint and ends with 0."
    ),
    add_arguments=_add_arguments,
    run=_listen,
    examples=("listen", "listen --events payment_intent.succeeded --forward-to localhost:4242/webhook"),
)
