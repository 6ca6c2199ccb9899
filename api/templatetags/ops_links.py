"""Links from an id to its page."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from api.ops.links import page_of
from api.pages.words import badge_of
from api.readings.steps import Decision
from outbox.identifiers import encode_id

register = template.Library()
_LONGEST_LINE = 36  # characters of a badge


@register.filter
def linked(public_id: str | None) -> SafeString | str:
    """An id as a link to its page; a dash for none."""
    if not public_id:
        return "—"
    return format_html('<a class="id" href="{}">{}</a>', page_of(public_id), public_id)


@register.filter
def decided(decision: Decision) -> SafeString:
    """An endpoint's decision in words, with the shape and the colour of its kind."""
    shown = badge_of(decision.verdict)
    long = " words" if len(decision.words) > _LONGEST_LINE else ""
    return format_html(
        '<span class="badge{} {}"><span aria-hidden="true">{}</span> {}</span>',
        long,
        shown.tone,
        shown.shape,
        capfirst(decision.words),
    )


@register.filter
def as_id(value: object, prefix: str) -> str | None:
    """A UUID in its public form."""
    return None if value is None else encode_id(prefix, value)  # type: ignore[arg-type]
