"""`webhooks probe we_…`: one signed ping, and how far it comes."""

import argparse

from api.command_line.accounts import find_endpoint
from api.command_line.arguments import endpoint_id
from api.command_line.errors import ExitCode
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from dispatcher.failures import EXPLANATIONS
from dispatcher.probing import Step, probe_endpoint


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="we_…", type=endpoint_id, help="the endpoint, enabled or not")


def _probe(arguments: argparse.Namespace, output: Output) -> int:
    endpoint = find_endpoint(arguments.endpoint)
    output.talk(f"{endpoint.public_id}  {endpoint.url}")
    last = None
    for last in probe_endpoint(endpoint):
        output.record(_fields(last), *_lines(last))
    return ExitCode.FINE if last is not None and last.passed else ExitCode.FAILURES


def _fields(step: Step) -> dict[str, object]:
    explained = None if step.code is None else EXPLANATIONS[step.code]
    return {
        "stage": step.stage.value,
        "passed": step.passed,
        "ms": None if step.ms is None else round(step.ms, 1),
        "told": step.told,
        "code": step.code,
        "likely_cause": None if explained is None else explained.likely_cause,
        "remedy": None if explained is None else explained.remedy,
    }


def _lines(step: Step) -> list[Line]:
    word = toned("ok    ", Tone.GOOD) if step.passed else toned("failed", Tone.BAD)
    took = "" if step.ms is None else f"{step.ms:.1f} ms"
    lines: list[Line] = [joined(f"{step.stage.value:<7}", word, f"{took:>11}  {step.told}")]
    if step.code is not None:
        explained = EXPLANATIONS[step.code]
        lines += [
            f"       {step.code}: {explained.likely_cause}",
            joined("       ", toned("→", Tone.QUIET), f" {explained.remedy}"),
        ]
    return lines


SUBCOMMAND = Subcommand(
    name="probe",
    help="one signed ping to an endpoint: name, policy, TCP, TLS, answer, ms each",
    description=(
        "Send an endpoint one signed ping and show how far it comes: the name, the address policy, TCP, "
        "TLS, the answer, "
        "milliseconds each. It goes by the transport of deliveries, with their rules: what it reaches "
        "they reach. The ping is an "
        "endpoint.test event that is not recorded; the endpoint's circuit and rate do not notice. Exits 4 "
        "where it fails."
    ),
    add_arguments=_add_arguments,
    run=_probe,
    examples=("probe we_…",),
)
