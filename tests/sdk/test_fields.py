"""Every field that the SDKs' types hold to be always present is in our answers, nested objects included."""

from collections.abc import Callable

import pytest

from tests.api.callers import Caller
from tests.sdk.live import live_objects
from tests.sdk.node_suite import what_node_lacks
from tests.sdk.shapes import OBJECTS, missing, npm_shape, python_shape

Record = Callable[[str, object], None]


@pytest.mark.parametrize(
    ("name", "package"),
    [
        pytest.param(name, package, marks=pytest.mark.verifies(call), id=f"{name}, {package}")
        for name, (_, call) in OBJECTS.items()
        for package in ("PyPI", "npm")
    ],
)
def test_no_field_is_missing(name: str, package: str, caller: Caller, record_property: Record) -> None:
    lacks = what_node_lacks()
    if package == "npm" and lacks is not None:
        pytest.skip(lacks)
    cls, _ = OBJECTS[name]
    shape = npm_shape(cls.__name__) if package == "npm" else python_shape(cls)
    answers = live_objects(caller)[name]
    assert answers
    lacked = sorted({field for answer in answers for field in missing(answer, shape)})
    # Shown at the end of the run (tests/conftest.py).
    record_property(
        "fields", f"{name}: {package}, {len(answers)} answers, {len(shape)} fields, missing: {len(lacked)}"
    )
    assert lacked == []


def test_types_are_read_as_they_are_written() -> None:
    """A parser that finds nothing would miss nothing."""
    customer = python_shape(OBJECTS["customer"][0])
    assert {"id", "object", "created", "livemode"} <= customer.keys()
    assert not {"address", "email"} & customer.keys()
    charge = python_shape(OBJECTS["charge"][0])
    assert charge["billing_details"].nested is not None


@pytest.mark.skipif(what_node_lacks() is not None, reason=str(what_node_lacks()))
def test_interfaces_are_read_as_they_are_written() -> None:
    intent = npm_shape("PaymentIntent")
    assert len(intent) >= 42
    assert not intent["amount"].nullable
    assert intent["customer"].nullable
    customer = npm_shape("Customer")
    assert not customer["invoice_settings"].nullable
    nested = customer["invoice_settings"].nested
    assert nested is not None
    assert "default_payment_method" in nested()
    assert list(missing({**dict.fromkeys(customer, 1), "invoice_settings": {}}, customer))


def test_a_missing_field_is_told_by_its_path() -> None:
    shape = python_shape(OBJECTS["charge"][0])
    found = set(missing({"id": "ch_1", "amount": None}, shape))
    assert {"amount (null)", "billing_details"} <= found
    assert "id" not in found
