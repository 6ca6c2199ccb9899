"""`webhooks rotate-secret we_…`: a new signing secret, the old one good for a while."""

import argparse
from datetime import timedelta

from django.db import transaction

from api.command_line.accounts import find_endpoint
from api.command_line.arguments import endpoint_id, span
from api.command_line.audit import audit
from api.command_line.moments import moment_text, shown_moment
from api.command_line.output import Output
from api.command_line.subcommands import Subcommand
from dispatcher.endpoints import MAX_SECRET_OVERLAP, roll_secret


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="we_…", type=endpoint_id, help="the endpoint")
    parser.add_argument(
        "--overlap",
        metavar="SPAN",
        type=_overlap,
        default=timedelta(hours=24),
        help="how long the old secret signs too: 0s, 90m, up to 24h (default: 24h)",
    )


def _rotate(arguments: argparse.Namespace, output: Output) -> int:
    found = find_endpoint(arguments.endpoint)
    with transaction.atomic():
        endpoint, secret = roll_secret(owner=found.owner, endpoint_id=found.id, overlap=arguments.overlap)
        ends = endpoint.previous_secret_expires_at
        audit(
            "endpoint.secret_rolled",
            subject=endpoint.public_id,
            account=endpoint.owner,
            after={"previous_secret_expires_at": moment_text(ends)},
        )
    if ends is None:
        output.talk(
            f"{endpoint.public_id}: the old secret signs nothing more. The new one is shown this once:"
        )
    else:
        output.talk(
            f"{endpoint.public_id}: both secrets sign until {shown_moment(ends)}. The new one is shown this once:"
        )
    output.record(
        {
            "endpoint": endpoint.public_id,
            "secret": secret,
            "previous_secret_expires_at": moment_text(ends),
        },
        secret,
    )
    return 0


def _overlap(text: str) -> timedelta:
    read = span(text)
    if read > MAX_SECRET_OVERLAP:
        raise argparse.ArgumentTypeError(
            f"{text!r} is longer than 24h; two secrets are one too many for long"
        )
    return read


SUBCOMMAND = Subcommand(
    name="rotate-secret",
    help="give an endpoint a new signing secret",
    description=(
        "Give an endpoint a new signing secret. Until the overlap has passed deliveries carry a signature "
        "of each secret, so the "
        "receiver can change over at any moment of it. The new secret alone is on standard output, this once."
    ),
    add_arguments=_add_arguments,
    run=_rotate,
    examples=("rotate-secret we_… --overlap 24h",),
)
