"""Links from an id to its page."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from api.ops.links import page_of
from outbox.identifiers import encode_id

register = template.Library()


@register.filter
def linked(public_id: str | None) -> SafeString | str:
    """An id as a link to its page; a dash for none."""
    if not public_id:
        return "—"
    return format_html('<a class="id" href="{}">{}</a>', page_of(public_id), public_id)


@register.filter
def page_path(public_id: str) -> str:
    """The path of its page."""
    return page_of(public_id)


@register.filter
def as_id(value: object, prefix: str) -> str | None:
    """A UUID in its public form."""
    return None if value is None else encode_id(prefix, value)  # type: ignore[arg-type]
