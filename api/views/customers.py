"""`/customers/`."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.inputs import CUSTOMER, CUSTOMERS, RETRIEVE
from api.metadata import merged
from api.pagination import Cursor, created_within, list_object, page_of
from api.views.base import ApiView
from core.customers import create_customer
from core.lookups import customer_uuid, customers_of, get_customer
from core.objects import customer_object


class CustomersView(ApiView):
    """The customers of the account."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(CUSTOMERS)
        self.expansions(query, kind="customer", listed=True)
        whole = customers_of(self.account_id)
        rows = created_within(whole, query.get("created"))
        if "email" in query:
            rows = rows.filter(email=query["email"])
        page = page_of(rows, Cursor.of(query), whole=whole, prefix="cus", noun="customer")
        shown = [self.shown(customer_object(row)) for row in page.rows]
        return self.answer(list_object(shown, has_more=page.has_more, path=request.path))

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(CUSTOMER)
        self.expansions(fields, kind="customer")
        values = {**fields, "metadata": merged({}, fields.get("metadata"))}
        return self.write(
            fields,
            lambda write: create_customer(write=write, fields=values),
            show=self.shown,
            status=self.created_status,
        )


class CustomerView(ApiView):
    """One customer."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="customer")
        return self.answer(self.shown(customer_object(get_customer(self.account_id, customer_uuid(id)))))
