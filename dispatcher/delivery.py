"""One attempt, read top-down: build the request, sign it, send it, name the outcome, decide what is next."""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from requests import Response
from requests.exceptions import RequestException

from dispatcher.attempt_spans import AttemptSpan, Tracer
from dispatcher.attempts import Attempted
from dispatcher.claims import Claim
from dispatcher.config import RenderEvent
from dispatcher.errors import SecretUndecryptable
from dispatcher.exchanges import ReadyRequest
from dispatcher.failures import FailureCode
from dispatcher.outcomes import Outcome, outcome_of
from dispatcher.retry import SUCCEED, RetryPolicy, decide
from dispatcher.sealing import signing_keys


class Sending(NamedTuple):
    """A claim whose request is under way."""

    claim: Claim
    started_epoch: float
    span: AttemptSpan | None = None  # where somebody follows its trace

    @property
    def traceparent(self) -> str | None:
        """The context that the endpoint is sent where it wants one."""
        return None if self.span is None else self.span.traceparent


_CONTENT_TYPE = "Content-Type: application/json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPlan:
    """What every attempt of a process shares."""

    renderer: RenderEvent
    retry_policy: RetryPolicy
    user_agent: str
    tracer: Tracer = field(default_factory=Tracer)

    def begin(self, claim: Claim) -> Sending:
        return Sending(claim, claim.lease.now_epoch(), self.tracer.begin(claim))

    def build(self, claim: Claim, *, now: float, traceparent: str | None = None) -> ReadyRequest | Outcome:
        """The signed request of a claim, or the outcome of one that cannot be sent. Opens no transaction.

        Args:
            now: Unix seconds by the database's clock; every attempt signs afresh.
            traceparent: goes with it where the endpoint is to have it; no signature covers it.
        """
        event, endpoint = claim.event, claim.endpoint
        if event is None:
            return _unsendable(FailureCode.UNRENDERABLE, "the event is no longer stored")
        try:
            body: object = self.renderer(event, endpoint.api_version)
        except (
            Exception
        ) as error:  # the renderer is the project's own code: one bad event must not stop the rest
            return _unsendable(FailureCode.UNRENDERABLE, f"rendering failed: {type(error).__name__}")
        if not isinstance(body, bytes):
            return _unsendable(FailureCode.UNRENDERABLE, f"rendering gave {type(body).__name__}, not bytes")
        try:
            keys = signing_keys(*endpoint.sealed_secrets)
        except (SecretUndecryptable, ValueError) as error:
            return _unsendable(FailureCode.SECRET_UNDECRYPTABLE, str(error))
        headers = keys.headers(message_id=event.public_id, timestamp=int(now), body=body)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        lines += (_CONTENT_TYPE, f"User-Agent: {self.user_agent}")
        if traceparent is not None and endpoint.send_traceparent:
            lines.append(f"traceparent: {traceparent}")
        return ReadyRequest(url=endpoint.url, body=body, header_lines=lines)

    def conclude(self, sending: Sending, result: Response | RequestException | Outcome) -> Attempted:
        """What happened and what we do next."""
        outcome = result if isinstance(result, Outcome) else outcome_of(result)
        if sending.span is not None:
            sending.span.end(outcome)
        if outcome.succeeded:
            return Attempted(sending.claim, sending.started_epoch, outcome, SUCCEED)
        decision = decide(
            outcome,
            attempt_number=sending.claim.attempt_number,
            policy=self.retry_policy,
            jitter=random.uniform(-1, 1),  # noqa: S311 - spreads retries, guards nothing
        )
        return Attempted(sending.claim, sending.started_epoch, outcome, decision)


def _unsendable(code: FailureCode, detail: str) -> Outcome:
    return Outcome(succeeded=False, failure_code=code, detail=detail)
