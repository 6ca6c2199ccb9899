"""docs/stripe-compatibility.md says what the tests declare, and the contract what the package sends."""

from tests.sdk.contract import BEHAVIOURS, CALLS, ERRORS, KNOWN, is_there
from tests.sdk.declarations import CLI, NODE, PYTHON, declared
from tests.sdk.sdk_calls import sdk_calls
from tools.compatibility import PAGE, page


def test_the_page_is_made_from_the_tests() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it anew: python -m tools.compatibility"


def test_the_contract_has_the_requests_that_the_package_makes() -> None:
    of_the_package = sdk_calls()
    assert len(of_the_package) > 300
    # The one call that only the CLI makes.
    for name, call in CALLS.items() - {("events.resend", CALLS["events.resend"])}:
        assert of_the_package[name] == (call.method, call.path), name


def test_both_sdks_verify_every_call_class_and_behaviour() -> None:
    names = KNOWN - {"events.resend"}
    verified = declared()
    assert names - verified[PYTHON] == set()
    assert names - verified[NODE] == set()


def test_every_name_that_a_suite_declares_is_of_the_contract() -> None:
    for suite in (PYTHON, NODE, CLI):
        assert declared()[suite] <= KNOWN, suite


def test_the_contract_names_nothing_twice() -> None:
    assert not CALLS.keys() & ERRORS.keys()
    assert not CALLS.keys() & BEHAVIOURS.keys()
    assert all(is_there(name) for name in ERRORS)
