"""`webhooks endpoints …`: where events go."""

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from api.command_line.accounts import choose_account, find_endpoint
from api.command_line.arguments import add_account, bounded, endpoint_id, override
from api.command_line.audit import audit
from api.command_line.endpoint_records import endpoint_lines, endpoint_record, endpoint_row
from api.command_line.errors import ArgumentRefused, ExitCode
from api.command_line.output import Column, Output
from api.command_line.subcommands import Subcommand
from core.errors import UnknownEventType
from core.versions import VERSIONS, canonical_event_type
from dispatcher.endpoints import create_endpoint, delete_endpoint, endpoints_of, update_endpoint
from dispatcher.errors import TooManyEndpoints
from dispatcher.models import Endpoint, EndpointStatus, OnDeadLetter
from dispatcher.urls import UrlRefused

_LISTED = 100


def _add_list(parser: argparse.ArgumentParser) -> None:
    add_account(parser)
    parser.add_argument("--all", action="store_true", help="of all accounts")
    parser.add_argument("--disabled", action="store_true", help="only those that are disabled")
    parser.add_argument(
        "--limit",
        metavar="N",
        type=bounded(1, 10_000),
        default=_LISTED,
        help=f"at most so many (default: {_LISTED})",
    )


def _list(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.all:
        rows = Endpoint.objects.select_related("lane").filter(deleted_at=None).order_by("-id")
    else:
        rows = endpoints_of(choose_account(arguments.account).public_id)
    if arguments.disabled:
        rows = rows.exclude(status=EndpointStatus.ENABLED)
    found = list(rows[: arguments.limit + 1])
    now = datetime.now(UTC)
    output.table(
        [
            Column("id"),
            Column("status", whole=False),
            Column("events", whole=False),
            Column("version"),
            Column("url", whole=False),
        ],
        [(endpoint_record(row), endpoint_row(row, now)) for row in found[: arguments.limit]],
        nothing="There is none. Make one: manage.py webhooks endpoints create URL",
    )
    if len(found) > arguments.limit:
        output.talk(f"There are more; --limit shows them (it is {arguments.limit:,}).")
    return ExitCode.FINE


def _add_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="where its events go")
    add_account(parser)
    parser.add_argument(
        "--api-version",
        choices=list(VERSIONS),
        help="the version its events are rendered in, for as long as it lives (default: the account's)",
    )
    _add_settings(parser)


def _create(arguments: argparse.Namespace, output: Output) -> int:
    account = choose_account(arguments.account)
    version = arguments.api_version or account.api_version
    changes = _changes(arguments, version)
    try:
        endpoint, secret = create_endpoint(
            owner=account.public_id,
            url=arguments.url,
            enabled_events=changes.pop("enabled_events", ["*"]),
            api_version=version,
            on_write=lambda row, _: audit(
                "endpoint.created", subject=row.public_id, account=row.owner, after=endpoint_record(row)
            ),
            **changes,
        )
    except UrlRefused as error:
        raise ArgumentRefused("URL", error.reason) from None
    except TooManyEndpoints as error:
        raise ArgumentRefused("--account", str(error)) from None
    output.talk(
        f"{endpoint.public_id} of {account.public_id} ({account.name}). Its secret is shown this once:"
    )
    output.record({**endpoint_record(endpoint), "secret": secret}, secret)
    return ExitCode.FINE


def _add_one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="we_…", type=endpoint_id, help="the endpoint")


def _add_update(parser: argparse.ArgumentParser) -> None:
    _add_one(parser)
    parser.add_argument("--url", metavar="URL", help="where its events go from now on")
    _add_settings(parser)


def _update(arguments: argparse.Namespace, output: Output) -> int:
    found = find_endpoint(arguments.endpoint)
    changes = _changes(arguments, found.api_version)
    if arguments.url is not None:
        changes["url"] = arguments.url
    if not changes:
        raise ArgumentRefused("we_…", "nothing is to be changed; name at least one flag, such as --url")
    metadata = changes.get("metadata")
    if metadata is not None:
        changes["metadata"] = lambda held: {
            name: value for name, value in {**held, **metadata}.items() if value != ""
        }
    return _changed(found, changes, output, action="endpoint.updated")


def _changed(found: Endpoint, changes: dict[str, Any], output: Output, *, action: str) -> int:
    def write_down(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        differing = [name for name in after if after[name] != before[name]]
        audit(
            action,
            subject=found.public_id,
            account=found.owner,
            before={name: before[name] for name in differing},
            after={name: after[name] for name in differing},
        )

    try:
        endpoint = update_endpoint(
            owner=found.owner, endpoint_id=found.id, changes=changes, on_write=write_down
        )
    except UrlRefused as error:
        raise ArgumentRefused("--url", error.reason) from None
    output.record(endpoint_record(endpoint), *endpoint_lines(endpoint))
    return ExitCode.FINE


def _switch(status: EndpointStatus) -> Callable[[argparse.Namespace, Output], int]:
    def switch(arguments: argparse.Namespace, output: Output) -> int:
        found = find_endpoint(arguments.endpoint)
        if found.status == status:
            output.talk(f"{found.public_id} is {status.value} already; nothing is changed.")
            return _show(arguments, output)
        return _changed(found, {"status": status}, output, action=f"endpoint.{status.value}")

    return switch


def _show(arguments: argparse.Namespace, output: Output) -> int:
    endpoint = find_endpoint(arguments.endpoint)
    output.record(endpoint_record(endpoint), *endpoint_lines(endpoint))
    return ExitCode.FINE


def _delete(arguments: argparse.Namespace, output: Output) -> int:
    endpoint = find_endpoint(arguments.endpoint)
    delete_endpoint(
        owner=endpoint.owner,
        endpoint_id=endpoint.id,
        on_write=lambda row: audit(
            "endpoint.deleted", subject=row.public_id, account=row.owner, before=endpoint_record(endpoint)
        ),
    )
    output.record(
        {"id": endpoint.public_id, "deleted": True},
        f"{endpoint.public_id} is deleted: what waits for it is cancelled, its history stays.",
    )
    return ExitCode.FINE


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """What can be set at its creation and changed later."""
    parser.add_argument(
        "--events",
        metavar="TYPE",
        nargs="+",
        help="the event types it gets, or '*' for all (default of a new one: all)",
    )
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    parser.add_argument(
        "--metadata",
        metavar="NAME=VALUE",
        nargs="+",
        type=override,
        help="of your own; an empty value removes one",
    )
    parser.add_argument(
        "--max-in-flight", metavar="N", type=bounded(1, 10_000), help="deliveries under way at once"
    )
    parser.add_argument(
        "--quantum", metavar="N", type=bounded(1, 10_000), help="deliveries that one claim takes"
    )
    parser.add_argument("--rate-limit", metavar="N", type=float, help="deliveries a second")
    parser.add_argument(
        "--burst", metavar="N", type=bounded(1, 1_000_000), help="deliveries at once after a quiet time"
    )
    parser.add_argument(
        "--ordered",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="one delivery of each object at a time, in the order of its events",
    )
    parser.add_argument(
        "--on-dead-letter",
        choices=OnDeadLetter.values,
        help="of an ordered endpoint: what becomes of those behind a dead-lettered delivery",
    )


_PLAIN = ("description", "max_in_flight", "quantum", "rate_limit", "burst", "ordered", "on_dead_letter")


def _changes(arguments: argparse.Namespace, version: str) -> dict[str, Any]:
    changes = {name: getattr(arguments, name) for name in _PLAIN if getattr(arguments, name) is not None}
    if arguments.metadata is not None:
        changes["metadata"] = dict(arguments.metadata)
    if arguments.events is not None:
        changes["enabled_events"] = stored_events(arguments.events, version)
    return changes


def stored_events(names: list[str], version: str) -> list[str]:
    """The types as they are stored, each once. Raises ArgumentRefused."""
    try:
        return list(dict.fromkeys(canonical_event_type(name, version) for name in names))
    except UnknownEventType as error:
        raise ArgumentRefused("--events", error.message) from None


SUBCOMMAND = Subcommand(
    name="endpoints",
    help="list, create, show, update, disable, enable and delete webhook endpoints",
    children=(
        Subcommand(
            name="list",
            help="an account's endpoints, newest first",
            add_arguments=_add_list,
            run=_list,
            examples=("endpoints list --all --disabled",),
        ),
        Subcommand(
            name="create",
            help="make an endpoint; its signing secret is shown this once",
            add_arguments=_add_create,
            run=_create,
            examples=(
                "endpoints create https://shop.example/hooks --events payment_intent.succeeded charge.refunded",
            ),
        ),
        Subcommand(
            name="show",
            help="one endpoint, with its limits and its circuit",
            add_arguments=_add_one,
            run=_show,
            examples=("endpoints show we_…",),
        ),
        Subcommand(
            name="update",
            help="change an endpoint",
            description="Change an endpoint. Another URL begins anew: its circuit is closed and its "
            "failures are forgotten.",
            add_arguments=_add_update,
            run=_update,
            examples=("endpoints update we_… --url https://shop.example/new --rate-limit 20",),
        ),
        Subcommand(
            name="disable",
            help="send an endpoint nothing more",
            description="Send an endpoint nothing more. What falls due meanwhile is cancelled, what "
            "happens meanwhile is skipped; "
            "both can be replayed once it is enabled again.",
            add_arguments=_add_one,
            run=_switch(EndpointStatus.DISABLED),
            examples=("endpoints disable we_…",),
        ),
        Subcommand(
            name="enable",
            help="send to an endpoint again",
            description="Send to an endpoint again. What it missed: webhooks replay --only missing.",
            add_arguments=_add_one,
            run=_switch(EndpointStatus.ENABLED),
            examples=("endpoints enable we_…",),
        ),
        Subcommand(
            name="delete",
            help="delete an endpoint; its history stays",
            add_arguments=_add_one,
            run=_delete,
            examples=("endpoints delete we_…",),
        ),
    ),
)
