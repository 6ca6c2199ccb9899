"""What logs and answers leave out of texts."""

import logging

import pytest

from core.logs import RedactedFormatter
from core.redaction import REDACTED, loggable, without_secrets


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://ada:hunter2@shop.test/h", f"https://{REDACTED}@shop.test/h"),
        ("https://shop.test/h?token=abc&x=1", f"https://shop.test/h?{REDACTED}"),
        ("https://shop.test/h", "https://shop.test/h"),
        ("sk_test_abcDEF123", REDACTED),
        ("GET /portal/pst_abcDEF123/endpoints/", f"GET /portal/{REDACTED}/endpoints/"),
        ("GET /ops/enter/opl_0123456789abcdef/", f"GET /ops/enter/{REDACTED}/"),
        ("pst_ and psychology", "pst_ and psychology"),
        ("card 4242.4242.4242.4242 it is", f"card {REDACTED} it is"),
        ("order 1234", "order 1234"),
    ],
)
def test_secrets_are_taken_out(text, kept):
    assert without_secrets(text) == kept


def test_an_address_after_the_other_is_read_once() -> None:
    """Read again from each of them, this text would take a quarter of an hour."""
    text = "http://" * 150_000
    assert without_secrets(text) == text
    assert without_secrets(f"{text}shop.test/?token=abc") == f"{text}shop.test/?{REDACTED}"


def test_what_postgresql_quotes_is_left_out_of_a_log() -> None:
    error = (
        "psycopg2.errors.CheckViolation: new row violates check constraint\n"
        "DETAIL:  Failing row contains (7, ada@shop.test,\nline two).\n"
        "\n"
        "The above exception was the direct cause of the following exception:\n"
        "\n"
        "django.db.utils.ProgrammingError: syntax error\n"
        "LINE 1: SELECT 'ada@shop.test'\n"
        "                ^"
    )
    assert loggable(error) == (
        "psycopg2.errors.CheckViolation: new row violates check constraint\n"
        f"DETAIL: {REDACTED}\n"
        "\n"
        "The above exception was the direct cause of the following exception:\n"
        "\n"
        "django.db.utils.ProgrammingError: syntax error\n"
        f"LINE 1: {REDACTED}"
    )


def test_what_libraries_log_is_looked_through_too() -> None:
    record = logging.LogRecord("django", logging.ERROR, __file__, 1, "key %s", ("sk_test_abc",), None)
    assert RedactedFormatter("%(message)s").format(record) == f"key {REDACTED}"
