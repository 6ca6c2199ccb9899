"""Failures explained: one catalogue (dispatcher/failures.py, dispatcher/reasons.py) in answers and on a page."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from api.pages.rendering import render_page
from core.config import public_url
from dispatcher.failures import EXPLANATIONS
from dispatcher.models import Attempt
from dispatcher.reasons import REASONS, explanation_of

PATH = "/docs/failure-codes/"


def failure_object(code: str | None) -> dict[str, Any] | None:
    """A failure code or the reason of an end, explained; None where there is none."""
    explanation = explanation_of(code)
    if explanation is None:
        return None
    return {
        "code": code,
        "doc_url": f"{public_url()}{PATH}#{code}",
        "likely_cause": explanation.likely_cause,
        "may_have_been_processed": explanation.maybe_processed,
        "message": explanation.summary,
        "remedy": explanation.remedy,
        "side": explanation.side.value,
    }


def code_of(row: Attempt) -> str | None:
    """Why an attempt failed; one whose dispatcher vanished has the code of that."""
    return row.failure_code or ("unknown" if row.outcome == "unknown" else None)


def catalogue_page(request: HttpRequest) -> HttpResponse:
    """Every entry with its anchor, for whoever follows a `doc_url`. Public: it tells of no account."""
    shown = {"failures": EXPLANATIONS.items(), "reasons": REASONS.items()}
    return render_page(request, "pages/failure_codes.html", shown)
