"""Filters: read, or told of."""

import uuid

import pytest

from api.pages.filters import Filters
from outbox.identifiers import encode_id

ID = uuid.UUID("019ace7b-5f52-70a7-87a3-b7ab6fc77acd")


def test_what_is_given_is_read_and_kept_for_links():
    filters = Filters({"state": " failed ", "endpoint": encode_id("we", ID), "empty": "", "other": "x"})
    assert filters.choice("state", ("failed", "waiting")) == "failed"
    assert filters.id("endpoint", "we") == ID
    assert filters.text("empty") is None
    assert filters.problems == {}
    assert filters.status == 200
    assert filters.query == f"state=failed&endpoint={encode_id('we', ID)}&"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (encode_id("dlv", ID), "is the id of a delivery; give one of an endpoint, we_…"),
        ("we_short", "'we_short' is no id of an endpoint: we_ and 22 letters or digits."),
        ("1", "is no id of an endpoint"),
        ("we_\x00", "must be at most 200 printable characters."),
        ("x" * 2_000, "must be at most 200 printable characters."),
    ],
)
def test_an_id_that_is_none_is_told_of_and_left_out(given, words):
    filters = Filters({"endpoint": given})
    assert filters.id("endpoint", "we") is None
    assert words in filters.problems["endpoint"]
    assert filters.given == {}
    assert filters.status == 400


def test_an_unknown_word_is_told_of_with_those_that_are_known():
    filters = Filters({"state": "borked"})
    assert filters.choice("state", ("failed", "waiting")) is None
    assert filters.problems == {"state": "'borked' is not known; take one of failed, waiting."}
