"""`webhooks verify`: whether a signature verifies, and why not."""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from api.command_line.arguments import endpoint_id, moment, readable_file, span
from api.command_line.errors import ArgumentRefused, ExitCode
from api.command_line.known_deliveries import Known, secrets_of, what_is_known
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from dispatcher.diagnosis.causes import Cause, Verdict
from dispatcher.diagnosis.computed import how_computed
from dispatcher.diagnosis.headers import read_headers
from dispatcher.diagnosis.signatures import Case, diagnose
from dispatcher.verification import DEFAULT_TOLERANCE_S

SECRET_VARIABLE = "WEBHOOK_SECRET"
_MAX_BODY = 16 * 1024 * 1024


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "payload",
        metavar="FILE",
        nargs="?",
        default="-",
        help="the body as the receiver has it; - is standard input (default)",
    )
    parser.add_argument(
        "-H",
        "--header",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="a header as the receiver has it; once for each",
    )
    parser.add_argument(
        "--headers",
        metavar="FILE",
        type=readable_file,
        help="a file of header lines, such as the output of curl -v",
    )
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument(
        "--secret",
        metavar="whsec_…",
        help=f"the secret that the receiver has (default: {SECRET_VARIABLE} of the environment, which no "
        "process list shows)",
    )
    whose.add_argument("--secret-file", metavar="FILE", type=readable_file, help="a file that holds it")
    whose.add_argument("--endpoint", metavar="we_…", type=endpoint_id, help="the secret of this endpoint")
    parser.add_argument(
        "--computed", metavar="SIGNATURE", help="what the receiver's own code computed: tells how it did that"
    )
    parser.add_argument(
        "--at",
        metavar="WHEN",
        type=moment,
        help="when it arrived: 5m, or 2026-11-22T10:00:00Z (default: now)",
    )
    parser.add_argument(
        "--tolerance",
        metavar="SPAN",
        type=span,
        default=timedelta(seconds=DEFAULT_TOLERANCE_S),
        help="how old a signature may be (default: 5m)",
    )
    parser.add_argument(
        "--offline", action="store_true", help="do not look in the database for the event and its endpoints"
    )


def _verify(arguments: argparse.Namespace, output: Output) -> int:
    body = _read_body(arguments.payload)
    headers = _read_headers(arguments)
    known = Known() if arguments.offline else what_is_known(headers, body, output)
    secret = _read_secret(arguments)
    now = int(time.time() if arguments.at is None else arguments.at.timestamp())
    case = Case(
        headers=headers,
        body=body,
        secret=secret,
        now=now,
        tolerance=int(arguments.tolerance.total_seconds()),
        sent_body=known.sent_body(secret),
        others=known.secrets,
    )
    verdicts = diagnose(case)
    for verdict in verdicts:
        output.record(_fields(verdict), *_lines(verdict))
    computed = None if arguments.computed is None else _computed(arguments.computed, headers, body, secret)
    if computed is not None:
        output.record({"scheme": "computed", **_cause_fields(computed)}, *_cause_lines(computed))
    return ExitCode.FINE if all(verdict.verifies for verdict in verdicts) else ExitCode.FAILURES


def _computed(computed: str, headers: Mapping[str, str], body: bytes, secret: str) -> Cause:
    stamps = headers.get("stripe-signature", "").partition("t=")[2].partition(",")[0]
    timestamp = headers.get("webhook-timestamp") or stamps
    found = how_computed(computed, headers=headers, body=body, secret=secret, timestamp=timestamp)
    return found or Cause(
        "computed",
        "no mistake that we know gives what your code computed",
        "Compare it with the snippets of the docs.",
    )


def _read_body(source: str) -> bytes:
    if source == "-":
        if sys.stdin.isatty():
            raise ArgumentRefused("FILE", "there is no body on standard input; name a file, or pipe it in")
        body = sys.stdin.buffer.read(_MAX_BODY + 1)
    else:
        try:
            with Path(source).open("rb") as file:
                body = file.read(_MAX_BODY + 1)
        except OSError as error:
            raise ArgumentRefused("FILE", f"{source!r} cannot be read: {error.strerror}") from None
    if len(body) > _MAX_BODY:
        raise ArgumentRefused("FILE", "it is larger than 16 MiB, and no body of ours is")
    return body


def _read_headers(arguments: argparse.Namespace) -> dict[str, str]:
    lines = list(arguments.header)
    if arguments.headers is not None:
        lines += arguments.headers.read_text(errors="replace").splitlines()
    if not lines:
        raise ArgumentRefused(
            "--header", "give the headers that came with it, such as -H 'Stripe-Signature: t=…,v1=…'"
        )
    for line in arguments.header:
        if ":" not in line:
            raise ArgumentRefused("--header", f"{line[:80]!r} is not 'Name: value'")
    return read_headers(lines)


def _read_secret(arguments: argparse.Namespace) -> str:
    if arguments.endpoint is not None:
        return secrets_of(arguments.endpoint)[0].secret
    if arguments.secret_file is not None:
        secret = _text(arguments.secret_file.read_bytes()).removesuffix("\n")
    else:
        secret = arguments.secret or os.environ.get(SECRET_VARIABLE, "")
    if not secret:
        raise ArgumentRefused(
            "--secret",
            f"give the receiver's secret, set {SECRET_VARIABLE}, or name its endpoint with --endpoint",
        )
    return str(secret)


def _text(secret: bytes) -> str:
    """Of one that is no text, its bytes: somebody decoded it, which the diagnosis tells."""
    try:
        return secret.decode()
    except UnicodeDecodeError:
        return secret.decode("latin-1")


def _fields(verdict: Verdict) -> dict[str, object]:
    return {
        "scheme": verdict.scheme.value,
        "verifies": verdict.verifies,
        "causes": [_cause_fields(cause) for cause in verdict.causes],
    }


def _cause_fields(cause: Cause) -> dict[str, object]:
    return {"code": cause.code, "happened": cause.happened, "remedy": cause.remedy}


def _lines(verdict: Verdict) -> list[Line]:
    if verdict.verifies:
        return [joined(toned("verifies", Tone.GOOD), f"  {verdict.scheme.header}")]
    lines: list[Line] = [joined(toned("refused", Tone.BAD), f"   {verdict.scheme.header}")]
    return lines + [line for cause in verdict.causes for line in _cause_lines(cause)]


def _cause_lines(cause: Cause) -> list[Line]:
    return [f"  {cause.happened}", joined("  ", toned("→", Tone.QUIET), f" {cause.remedy}")]


SUBCOMMAND = Subcommand(
    name="verify",
    help="say whether a signature verifies, and why not",
    description=(
        "Verify both signatures of a delivery as a receiver does, and where one fails say why: JSON that "
        "was parsed and "
        "serialised again, another endpoint's secret, a stale clock, a secret that lost its whsec_ or was "
        "decoded, a body cut "
        "off or with a line break more, a header that was mangled or renamed. With a database at hand the "
        "event as it was sent and the account's endpoints are looked up. Exits 4 where a signature is refused."
    ),
    add_arguments=_add_arguments,
    run=_verify,
    examples=(
        "verify body.json --headers headers.txt --endpoint we_…",
        "verify body.json -H 'Stripe-Signature: t=…,v1=…' --computed 5f2b…",
    ),
)
