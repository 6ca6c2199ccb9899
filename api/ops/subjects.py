"""Pages of one thing, by the public id in their path; what to say where the id is wrong or names nothing."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.ops.links import page_of
from api.ops.pages import render
from api.readings.identifying import AnotherKind, Named, NothingKnown, NotTraceable, identify

_View = Callable[..., HttpResponse]


def page_about(prefix: str, *, current: str) -> Callable[[_View], _View]:
    """A view that gets a Named of that kind in place of the text in its path.

    It may raise NothingKnown. Stands below `operations_page`.
    """

    def decorate(view: _View) -> _View:
        @wraps(view)
        def with_subject(request: HttpRequest, id: str, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                named = identify(id)
                if named.kind.prefix != prefix:
                    return _elsewhere(request, named, prefix, current)
                return view(request, named, *args, **kwargs)
            except NotTraceable as problem:
                near = problem.nearest
                return _nothing(request, problem.message, current, link=near and page_of(near), near=near)
            except NothingKnown as unknown:
                return _nothing(request, unknown.message, current)

        return with_subject

    return decorate


def _elsewhere(request: HttpRequest, named: Named, prefix: str, current: str) -> HttpResponse:
    message = AnotherKind.words(named, prefix=prefix)
    return _nothing(request, message, current, link=page_of(named.text), near=named.text)


def _nothing(
    request: HttpRequest, message: str, current: str, *, link: str | None = None, near: str | None = None
) -> HttpResponse:
    context = {"message": message, "link": link, "near": near}
    return render(request, "ops/no_subject.html", context, current=current, status=404)
