"""`/customers/`."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.inputs import CUSTOMER, CUSTOMER_SEARCH, CUSTOMERS, RETRIEVE
from api.metadata import merged, merging
from api.search import CUSTOMER_FIELDS, search, search_object
from api.views.base import ApiView
from api.views.lists import listed
from core.customers import create_customer, delete_customer, update_customer
from core.lookups import customer_uuid, customers_of, every_customer_of, get_customer
from core.objects import customer_object, shown_customer

_KIND = "customer"


class CustomersView(ApiView):
    """The customers of the account."""

    def get(self, request: Request) -> HttpResponse:
        return listed(
            self,
            takes=CUSTOMERS,
            kind=_KIND,
            prefix="cus",
            noun=_KIND,
            # Who pages on from a customer that was deleted meanwhile goes on where it stood.
            whole=every_customer_of(self.account_id),
            rows=customers_of(self.account_id),
            show=customer_object,
            filters={"email": "email"},
        )

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(CUSTOMER)
        values = {**fields, "metadata": merged({}, fields.get("metadata"))}
        expansions = self.expansions(values, kind=_KIND)
        return self.write(
            fields,
            lambda write: create_customer(write=write, fields=values),
            show=partial(self.shown, expansions=expansions),
            status=self.created_status,
        )


class CustomerSearchView(ApiView):
    """The customers that a query finds."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(CUSTOMER_SEARCH)
        expansions = self.expansions(query, kind=_KIND, listed=True)
        page, next_page = search(
            customers_of(self.account_id),
            CUSTOMER_FIELDS,
            query=query,
            scope=self.account_id,
            resource="customers",
        )
        shown = self.shown_all([customer_object(row) for row in page.rows], expansions)
        return self.answer(search_object(shown, next_page=next_page, path=request.path))


class CustomerView(ApiView):
    """One customer; of a deleted one only that it was."""

    def get(self, request: Request, id: str) -> HttpResponse:
        expansions = self.expansions(self.query(RETRIEVE), kind=_KIND)
        row = get_customer(self.account_id, customer_uuid(id))
        return self.answer(self.shown(shown_customer(row), expansions))

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(CUSTOMER)
        changes = merging(fields)
        expansions = self.expansions(changes, kind=_KIND)
        customer_id = customer_uuid(id)
        return self.write(
            fields,
            lambda write: update_customer(write=write, customer_id=customer_id, changes=changes),
            show=partial(self.shown, expansions=expansions),
        )

    def delete(self, request: Request, id: str) -> HttpResponse:
        self.query()
        customer_id = customer_uuid(id)
        return self.write(
            {}, lambda write: delete_customer(write=write, customer_id=customer_id), show=self.shown
        )
