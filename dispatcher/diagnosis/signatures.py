"""The diagnosis: verify as a receiver does, and where that fails find what was done to body, secret or header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dispatcher.diagnosis.bodies import difference, earlier_bodies, is_cut_off, no_body, of_another
from dispatcher.diagnosis.causes import Cause, Scheme, Verdict
from dispatcher.diagnosis.headers import mend_headers, missing_headers, restore_names
from dispatcher.diagnosis.secrets import earlier_secrets, shape_of
from dispatcher.signing import InvalidSecret
from dispatcher.verification import (
    DEFAULT_TOLERANCE_S,
    SignatureError,
    SignatureProblem,
    verify_standard,
    verify_stripe,
)

_LATE = (
    "stale",
    "Set the receiver's clock by NTP. Where the request lay in a queue, verify it when it arrives, before it waits.",
)
_EARLY = ("clock_behind", "Set the receiver's clock by NTP: it is behind.")


@dataclass(frozen=True, slots=True)
class KnownSecret:
    """A secret that the receiver could have meant to use."""

    owner: str  # in words: "endpoint we_…", "the previous secret of we_…"
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a receiver has in hand, and what we know beside it."""

    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)
    secret: str = field(repr=False)
    now: int  # Unix seconds, by the receiver's clock
    tolerance: int = DEFAULT_TOLERANCE_S
    sent_body: bytes | None = field(default=None, repr=False)  # as it was sent, where the event is known
    others: Sequence[KnownSecret] = ()


def diagnose(case: Case) -> tuple[Verdict, Verdict]:
    """What comes of both schemes. Pure."""
    return tuple(Verdict(scheme=scheme, causes=tuple(_causes(case, scheme))) for scheme in Scheme)  # type: ignore[return-value]


def _causes(case: Case, scheme: Scheme) -> list[Cause]:
    named, renamed = restore_names(scheme, case.headers)
    if missing := missing_headers(scheme, named):
        return [
            *renamed,
            Cause(
                "header_missing",
                f"{' and '.join(missing)} did not arrive",
                "Pass all headers on: a proxy or framework dropped it, or read it by another name.",
            ),
        ]
    headers, mended = mend_headers(scheme, named)
    causes = [*renamed, *mended]
    found = _first_match(case, scheme, headers)
    if found is not None:
        stale = _stale(case, scheme, headers, *found[:2])
        # Libraries of Standard Webhooks take a secret with its prefix or without it.
        of_match = [
            one for one in found[2] if (scheme, one.code) != (Scheme.STANDARD, "secret_without_prefix")
        ]
        return [*causes, *of_match, *stale]
    return [*causes, *_unmatched(case)]


Match = tuple[bytes, str, list[Cause]]


def _first_match(case: Case, scheme: Scheme, headers: Mapping[str, str]) -> Match | None:
    """The body and the secret that verify, and what had been done to them; the least of it."""
    secrets: list[tuple[str, list[Cause]]] = [(case.secret, [])]
    secrets += [(secret, [cause]) for secret, cause in earlier_secrets(case.secret)]
    secrets += [(known.secret, [_anothers(known)]) for known in case.others if known.secret != case.secret]
    bodies: list[tuple[bytes, list[Cause]]] = [(case.body, [])]
    bodies += [(body, [cause]) for body, cause in earlier_bodies(case.body)]
    if case.sent_body is not None and case.sent_body != case.body:
        another = of_another(case.body, headers.get("webhook-id"))
        bodies.append((case.sent_body, [another or difference(case.body, case.sent_body)]))
    pairs = [(body, secret, of_body + of_secret) for body, of_body in bodies for secret, of_secret in secrets]
    for body, secret, causes in sorted(pairs, key=lambda pair: len(pair[2])):
        if _verifies(scheme, headers, body, secret):
            return body, secret, causes
    return None


def _verifies(scheme: Scheme, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whatever its age."""
    try:
        _verify(scheme, headers, body, secret, now=0, tolerance=0)
    except SignatureError as error:
        return error.problem is SignatureProblem.STALE
    except InvalidSecret:
        return False
    return True


def _stale(case: Case, scheme: Scheme, headers: Mapping[str, str], body: bytes, secret: str) -> list[Cause]:
    try:
        _verify(scheme, headers, body, secret, now=case.now, tolerance=case.tolerance)
    except SignatureError as error:
        code, remedy = _EARLY if error.is_early else _LATE
        return [Cause(code, str(error).partition(": ")[0], remedy)]
    return []


def _verify(
    scheme: Scheme, headers: Mapping[str, str], body: bytes, secret: str, *, now: int, tolerance: int
) -> None:
    match scheme:
        case Scheme.STRIPE:
            verify_stripe(
                header=headers["stripe-signature"], body=body, secret=secret, now=now, tolerance=tolerance
            )
        case Scheme.STANDARD:
            verify_standard(headers=headers, body=body, secret=secret, now=now, tolerance=tolerance)


def _anothers(known: KnownSecret) -> Cause:
    return Cause(
        "wrong_secret",
        f"it was signed with another secret: that of {known.owner}",
        "Give this receiver the secret of the endpoint that sends to it; each endpoint has its own.",
    )


def _unmatched(case: Case) -> list[Cause]:
    """Nothing that was tried verifies."""
    if malformed := shape_of(case.secret) or no_body(case.body):
        return [malformed]
    if another := of_another(case.body, case.headers.get("webhook-id")):
        return [another]
    if is_cut_off(case.body):
        return [
            Cause(
                "truncated",
                f"the body breaks off after {len(case.body):,} bytes, within its JSON",
                "Read the whole body: Content-Length bytes, in as many reads as it takes; raise a limit "
                "of the proxy's.",
            )
        ]
    if case.sent_body is not None and case.body == case.sent_body:
        return [
            Cause(
                "wrong_secret",
                "the body is what was sent, so the secret is another one: another endpoint's, or the one before a "
                "roll whose overlap is over",
                "Use the secret of the endpoint that this came to: manage.py webhooks rotate-secret makes a new one.",
            )
        ]
    return [
        Cause(
            "no_match",
            "no signature matches: the secret is another endpoint's, or the body is not the bytes that were sent",
            "Log the length and the SHA-256 of the raw body in the receiver, and check which endpoint's secret it has.",
        )
    ]
