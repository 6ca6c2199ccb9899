"""Payments, and one of them with what was told of it."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from api.failure_catalogue import PATH
from api.ops.pages import operations_page, render
from api.ops.subjects import page_about
from api.pages.filters import Filters
from api.pages.ranges import optional_range
from api.pages.searching import search
from api.readings.identifying import Named, NothingKnown
from api.readings.trace import trace
from core.currencies import MINOR_UNITS
from core.models import PaymentIntent
from core.states import Status
from outbox.identifiers import encode_id, floor_uuid


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list."""

    row: PaymentIntent
    account: str
    customer: str | None

    @property
    def name(self) -> str:
        """The account's."""
        return self.row.account.name


@operations_page()
def payments_page(request: HttpRequest) -> HttpResponse:
    """Newest first."""
    filters = Filters(request.GET)
    rows = PaymentIntent.objects.select_related("account").defer("client_secret")
    if account := filters.id("account", "acct"):
        rows = rows.filter(account_id=account)
    if customer := filters.id("customer", "cus"):
        rows = rows.filter(customer_id=customer)
    narrowed = Q()
    if status := filters.choice("status", [status.value for status in Status]):
        narrowed &= Q(status=status)
    if currency := filters.choice("currency", MINOR_UNITS):
        narrowed &= Q(currency=currency)
    kept, shown_range = optional_range(request.GET, filters)
    if shown_range is not None:
        rows = rows.filter(id__gte=floor_uuid(shown_range.since), id__lt=floor_uuid(shown_range.until))
    page = search(rows, filters, prefix="pi", narrowed=narrowed or None, kept=kept)
    sums = Counter[str]()
    for row in page.rows:
        sums[row.currency] += row.amount
    context = {
        "payments": [
            Listed(
                row,
                encode_id("acct", row.account_id),
                None if row.customer_id is None else encode_id("cus", row.customer_id),
            )
            for row in page.rows
        ],
        "slice": page,
        "sums": sorted(sums.items()),
        "filters": filters,
        "problems": filters.problems,
        "statuses": [status.value for status in Status],
        "range": shown_range,
        "filtered": bool(filters.given or kept),
    }
    return render(request, "ops/payments.html", context, current="payments", status=filters.status)


@operations_page()
@page_about("pi", current="payments")
def payment_page(request: HttpRequest, named: Named) -> HttpResponse:
    """One payment with its events and what became of each at every endpoint."""
    row = (
        PaymentIntent.objects.select_related("account").defer("client_secret").filter(id=named.value).first()
    )
    if row is None:
        raise NothingKnown(named)
    error = row.last_payment_error or {}
    context = {
        "payment": row,
        "account": encode_id("acct", row.account_id),
        "trace": trace(named.text),
        "error": error.get("message"),
        "error_code": error.get("decline_code") or error.get("code"),
        "catalogue": PATH,
    }
    return render(request, "ops/payment.html", context, current="payments")
