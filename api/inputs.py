"""The parameters of every operation, one table each: what several share, and those of customers."""

from rest_framework import serializers

from api.fields import Email, Integer, Moment, Reference, Text, TextList
from api.input_tables import InputTable
from api.metadata import Metadata
from api.pagination import MAX_LIMIT


class NothingInput(InputTable):
    """Operations without parameters."""


class RetrieveInput(InputTable):
    expand = TextList(required=False)


class AddressInput(InputTable):
    line1 = Text(required=False, allow_null=True)
    line2 = Text(required=False, allow_null=True)
    city = Text(required=False, allow_null=True)
    state = Text(required=False, allow_null=True)
    postal_code = Text(required=False, allow_null=True)
    country = Text(max_length=2, required=False, allow_null=True)


class ShippingInput(InputTable):
    name = Text()
    phone = Text(required=False, allow_null=True)
    address = AddressInput()


class CustomerInput(InputTable):
    name = Text(max_length=256, required=False, allow_null=True)
    email = Email(max_length=512, required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    phone = Text(max_length=20, required=False, allow_null=True)
    address = AddressInput(required=False, allow_null=True)
    shipping = ShippingInput(required=False, allow_null=True)
    metadata = Metadata()
    expand = TextList(required=False)


class ExpandInput(InputTable):
    expand = TextList(required=False)


class MetadataInput(InputTable):
    metadata = Metadata()
    expand = TextList(required=False)


class SearchInput(InputTable):
    query = Text(max_length=2_000)
    limit = Integer(least=1, most=MAX_LIMIT, required=False)
    page = Text(max_length=500, required=False)
    expand = TextList(required=False)


def list_input(name: str, prefix: str, noun: str, **filters: serializers.Field) -> InputTable:  # type: ignore[type-arg]
    """The parameters of a list: the page, the time, and filters of its own."""
    table = type(
        name,
        (InputTable,),
        {
            "limit": Integer(least=1, most=MAX_LIMIT, required=False),
            "starting_after": Reference(prefix, noun, required=False),
            "ending_before": Reference(prefix, noun, required=False),
            "created": Moment(),
            "expand": TextList(required=False),
            **filters,
        },
    )
    instance: InputTable = table()
    return instance


NOTHING = NothingInput()
RETRIEVE = RetrieveInput()
CUSTOMER = CustomerInput()
CUSTOMERS = list_input("CustomersInput", "cus", "customer", email=Text(max_length=512, required=False))
CUSTOMER_SEARCH = SearchInput()
EXPAND = ExpandInput()
METADATA = MetadataInput()
