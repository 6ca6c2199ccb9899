"""One delivery for people: what was sent, what came back, and what each failure means. Four statements."""

import shlex
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.utils import timezone

from api.failure_catalogue import code_of
from api.pages.phases import Phases, phases_of
from api.readings.decisions import delivery_words, of_schedule
from api.response_text import response_text
from dispatcher.config import dispatcher_settings
from dispatcher.failures import Explanation
from dispatcher.history import PastDelivery, attempts_since, past_delivery
from dispatcher.models import Attempt, Endpoint
from dispatcher.reasons import explanation_of
from dispatcher.waiting import NextAttempt, next_attempt, with_lanes
from outbox.models import Event

ATTEMPTS = 20  # the last ones, with what was answered
_CONTENT_TYPE = "application/json; charset=utf-8"
_HIDDEN = "•••"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAttempt:
    """One HTTP try."""

    row: Attempt
    code: str | None
    explanation: Explanation | None
    phases: Phases | None
    request_head: str  # as it was sent, its signatures masked
    response_head: str | None
    response_body: str | None  # escaped, its secrets taken out
    explained_later: bool = False  # a later attempt failed in the same way

    @property
    def tone(self) -> str:
        return {"succeeded": "ok", "failed": "bad"}.get(self.row.outcome, "warn")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDelivery:
    """A delivery with all that is known of it."""

    owner: str
    past: PastDelivery
    event: Event | None  # None past its retention
    endpoint: Endpoint | None
    words: str
    max_attempts: int  # by this process's settings: of a forecast, not of what has ended
    next: NextAttempt | None  # where one is waited for
    code: str | None  # why it ended without success, or why its last attempt failed
    explanation: Explanation | None
    attempts: Sequence[ShownAttempt]
    earlier_attempts: int
    body: str | None
    body_problem: str | None  # why there is no body to show

    @property
    def state(self) -> str:
        return self.past.state

    @property
    def live(self) -> bool:
        return self.past.finished_at is None

    @property
    def last_failure(self) -> ShownAttempt | None:
        """The last attempt that failed, where that says more than the reason of the end."""
        failed = (one for one in reversed(self.attempts) if one.explanation is not None)
        last = next(failed, None)
        return None if last is None or last.code == self.code else last

    @property
    def detail(self) -> str | None:
        """What the last attempt said, where its code is the delivery's."""
        last = self.attempts[-1] if self.attempts else None
        return last.row.detail if last is not None and last.code == self.code else None

    @property
    def attempts_so_far(self) -> str:
        """`3 of 13` while there may be more."""
        return of_schedule(self.past.attempts, self.max_attempts) if self.live else str(self.past.attempts)

    @property
    def this_attempt(self) -> str:
        """The one under way, or else the one that is waited for: `4 of 13`."""
        number = self.past.attempts + (self.state == "pending")
        return of_schedule(number, self.max_attempts)

    @property
    def next_is_last(self) -> bool:
        return self.state == "pending" and self.past.attempts + 1 >= self.max_attempts

    @property
    def receiver(self) -> str:
        """Host and path in a few characters."""
        if self.endpoint is None:
            return "an endpoint that is no longer known"
        parts = urlsplit(self.endpoint.url)
        shown = f"{parts.hostname or ''}{parts.path}"
        return shown if len(shown) <= 60 else f"{shown[:59]}…"

    @property
    def duplicates_possible(self) -> bool:
        """Whether the receiver may have acted on an attempt that counts as failed."""
        return any(one.explanation is not None and one.explanation.maybe_processed for one in self.attempts)

    @property
    def curl(self) -> str | None:
        """A command that sends the request again, signed with a secret of the caller's own environment."""
        if self.body is None or self.endpoint is None or self.event is None:
            return None
        return curl_command(
            url=self.endpoint.url,
            body=self.body,
            message_id=self.event.public_id,
            user_agent=dispatcher_settings().user_agent,
        )


def show_delivery(
    delivery_id: uuid.UUID, *, owner: str | None = None, bodies: bool = True
) -> ShownDelivery | None:
    """A delivery; None where there is none, or it is another owner's.

    Args:
        owner: an account, whose alone it may be; None is anybody's.
        bodies: whether what was sent and answered is shown, beyond heads.
    """
    past = past_delivery(delivery_id)
    if past is None:
        return None
    endpoint = with_lanes(Endpoint.objects.filter(id=past.endpoint_id)).first()
    event = Event.objects.filter(id=past.event_id).first()
    whose = past.owner
    if owner is not None and whose != owner:
        return None
    rows = attempts_since(past, limit=ATTEMPTS)
    body, problem = _body(event, endpoint) if bodies else (None, None)
    policy = dispatcher_settings().retry_policy
    attempts = _explained_once([_attempt(row, past, endpoint, body, bodies=bodies) for row in rows])
    code = past.reason or next((one.code for one in reversed(attempts) if not one.row.superseded), None)
    return ShownDelivery(
        owner=whose,
        past=past,
        event=event,
        endpoint=endpoint,
        words=delivery_words(past, endpoint=endpoint, max_attempts=policy.max_attempts),
        max_attempts=policy.max_attempts,
        next=next_attempt(past, endpoint=endpoint, now=timezone.now()),
        code=None if past.state == "succeeded" else code,
        explanation=None if past.state == "succeeded" else explanation_of(code),
        attempts=attempts,
        earlier_attempts=rows[0].number - 1 if rows else 0,
        body=body,
        body_problem=problem,
    )


def curl_command(*, url: str, body: str, message_id: str, user_agent: str) -> str:
    """For a POSIX shell with curl and openssl; the secret is read from WEBHOOK_SECRET, and never written down."""
    return "\n".join(
        [
            "# export WEBHOOK_SECRET=whsec_…   (the endpoint's signing secret)",
            f"body={shlex.quote(body)}",
            "t=$(date +%s)",
            """sig=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" -r | cut -d' ' -f1)""",
            f"curl -i -X POST {shlex.quote(url)} \\",
            f"  -H 'Content-Type: {_CONTENT_TYPE}' \\",
            f"  -A {shlex.quote(user_agent)} \\",
            f"  -H 'webhook-id: {message_id}' \\",
            '  -H "webhook-timestamp: $t" \\',
            '  -H "Stripe-Signature: t=$t,v1=$sig" \\',
            '  --data-binary "$body"',
        ]
    )


def _body(event: Event | None, endpoint: Endpoint | None) -> tuple[str | None, str | None]:
    if event is None:
        return None, "The event is past its retention: its body is no longer stored."
    if endpoint is None:
        return None, "The endpoint is no longer known, so neither is the API version of the body."
    try:
        return dispatcher_settings().renderer(event.facts, endpoint.api_version).decode(), None
    except Exception as error:  # the renderer is the project's own code: it must not cost the page
        version = endpoint.api_version
        return None, f"The event cannot be rendered for API version {version}: {type(error).__name__}."


def _attempt(
    row: Attempt, past: PastDelivery, endpoint: Endpoint | None, body: str | None, *, bodies: bool
) -> ShownAttempt:
    code = code_of(row)
    head, answer = _answer(row)
    return ShownAttempt(
        row=row,
        code=code,
        explanation=explanation_of(code),
        phases=phases_of(row),
        request_head=_request_head(row, past, endpoint, body),
        response_head=head,
        response_body=answer if bodies else None,
    )


def _explained_once(attempts: list[ShownAttempt]) -> list[ShownAttempt]:
    """What failed five times in the same way is explained with the last of them."""
    later = {one.code: place for place, one in enumerate(attempts)}
    return [replace(one, explained_later=place < later[one.code]) for place, one in enumerate(attempts)]


def _answer(row: Attempt) -> tuple[str | None, str | None]:
    if row.response is None:
        return None, None
    head, _, body = response_text(bytes(row.response)).partition("\n\n")
    return head or None, body or None


def _request_head(row: Attempt, past: PastDelivery, endpoint: Endpoint | None, body: str | None) -> str:
    parts = urlsplit("" if endpoint is None else endpoint.url)
    target = f"{parts.path or '/'}{'?' + _HIDDEN if parts.query else ''}"
    timestamp = int(row.started_at.timestamp())
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        f"Stripe-Signature: t={timestamp},v1={_HIDDEN}",
        f"webhook-id: {past.event_public_id}",
        f"webhook-timestamp: {timestamp}",
        f"webhook-signature: v1,{_HIDDEN}",
        f"Content-Type: {_CONTENT_TYPE}",
        f"User-Agent: {dispatcher_settings().user_agent}",
    ]
    if body is not None:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\n".join(lines)
