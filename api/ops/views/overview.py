"""Is everything all right, and if not, where."""

from django.http import HttpRequest, HttpResponse

from api.ops.pages import operations_page, render


@operations_page()
def overview_page(request: HttpRequest) -> HttpResponse:
    """The first page."""
    return render(request, "ops/overview.html", current="overview")
