"""A diagnosis names what a receiver did to a body, a secret or a header, and invents nothing."""

import base64
import gzip
import hashlib
import hmac
import html
import json
import unicodedata
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from dispatcher.diagnosis.causes import Scheme
from dispatcher.diagnosis.computed import how_computed
from dispatcher.diagnosis.headers import read_headers
from dispatcher.diagnosis.signatures import Case, KnownSecret, diagnose
from dispatcher.signing import SigningKeys, new_secret, standard_key

NOW = 1_800_000_000
SECRET = "whsec_+/9rJ4c0wYw2oZpT1a1n0d5mQmVgq0Hs"
BODY = '{"id":"evt_1","data":{"object":{"b":"Zoë & Ltd/\\"x\\"","a":[1,2.5,true,null]}},"api_version":"v"}'.encode()
HEADERS = {
    name.lower(): value
    for name, value in SigningKeys(SECRET).headers(message_id="evt_1", timestamp=NOW, body=BODY).items()
}


def codes(**changes: Any) -> tuple[list[str], list[str]]:
    """The causes of both schemes, of what is as it was sent but for these changes."""
    case = {"headers": HEADERS, "body": BODY, "secret": SECRET, "now": NOW + 5, **changes}
    stripe, standard = diagnose(Case(**case))
    assert (stripe.scheme, standard.scheme) == (Scheme.STRIPE, Scheme.STANDARD)
    return [cause.code for cause in stripe.causes], [cause.code for cause in standard.causes]


def test_what_is_as_it_was_sent_verifies() -> None:
    assert codes() == ([], [])


PARSED = json.loads(BODY)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (BODY + b"\n", "trailing_newline"),
        (BODY + b"\r\n", "trailing_newline"),
        (b"  " + BODY, "whitespace"),
        (b"\xef\xbb\xbf" + BODY, "byte_order_mark"),
        (json.dumps(PARSED).encode(), "reserialised"),
        (json.dumps(PARSED, indent=2, ensure_ascii=False).encode(), "reserialised"),
        (json.dumps(PARSED, separators=(",", ":")).encode(), "reserialised"),
        (BODY.replace(b"/", b"\\/"), "reserialised"),
        (json.dumps(BODY.decode()).encode(), "quoted"),
        (base64.b64encode(BODY), "base64"),
        (html.escape(BODY.decode()).encode(), "html_escaped"),
        (quote_plus(BODY).encode(), "url_encoded"),
        (BODY.decode("latin-1").encode(), "encoded_twice"),
        (BODY.decode().encode("utf-16"), "utf_16"),
        (BODY.decode().encode("utf-16-le"), "utf_16"),
        (BODY.decode().encode("utf-16-be"), "utf_16"),
        (unicodedata.normalize("NFD", BODY.decode()).encode(), "normalised"),
        (str(PARSED).encode(), "python_repr"),
        (str(BODY).encode(), "python_repr"),
        (gzip.compress(BODY), "compressed"),
        (b"", "body_empty"),
        (b"[object Object]", "reserialised"),
        (BODY[:40], "truncated"),
        (BODY[:-1], "truncated"),
    ],
)
def test_a_body_that_was_changed_is_told_without_knowing_the_one_that_was_sent(
    body: bytes, cause: str
) -> None:
    assert codes(body=body) == ([cause], [cause])


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (json.dumps(PARSED, sort_keys=True).encode(), "reserialised"),
        (BODY[:40], "truncated"),
        (BODY.decode().encode("ascii", "replace"), "characters_lost"),
        (BODY.replace("ë".encode(), "\ufffd".encode()), "characters_lost"),
        (BODY.decode("ascii", "replace").encode(), "characters_lost"),
        (BODY.replace("ë".encode(), b"??"), "characters_lost"),
        (BODY.replace(b"Zo", b"Xo"), "body_changed"),
    ],
)
def test_a_body_that_was_changed_beyond_repair_is_told_beside_the_one_that_was_sent(
    body: bytes, cause: str
) -> None:
    assert codes(body=body, sent_body=BODY) == ([cause], [cause])


@pytest.mark.parametrize(
    ("secret", "cause"),
    [
        (f" {SECRET}\n", "secret_padded"),
        (f'"{SECRET}"', "secret_padded"),
        (f"whsec_{SECRET}", "secret_prefixed_twice"),
        (f"whsec_{standard_key(SECRET).hex()}", "no_match"),
        (standard_key(SECRET).hex(), "secret_decoded"),
        (standard_key(SECRET).decode("latin-1"), "secret_decoded"),
        (base64.b64encode(SECRET.encode()).decode(), "secret_encoded"),
        (base64.b64encode(f"{SECRET}\n".encode()).decode(), "secret_encoded"),
        (f"WEBHOOK_SECRET={SECRET}", "secret_padded"),
        (f"export WEBHOOK_SECRET='{SECRET}'", "secret_padded"),
        (f"{SECRET}\\n", "secret_padded"),
        (SECRET.replace("+", "-").replace("/", "_"), "secret_url_safe"),
        (SECRET.replace("+", " "), "secret_plus_lost"),
        (SECRET[:-3], "secret_malformed"),
        ("nonsense", "secret_malformed"),
        ("sk_test_123", "secret_is_another"),
        ("we_0355TFrH8aMHaGq6BF9BOk", "secret_is_another"),
    ],
)
def test_a_secret_that_was_copied_wrongly_is_told(secret: str, cause: str) -> None:
    assert codes(secret=secret) == ([cause], [cause])


def test_a_secret_without_its_prefix_fails_in_the_one_scheme_that_signs_with_it() -> None:
    assert codes(secret=SECRET.removeprefix("whsec_")) == (["secret_without_prefix"], [])


def test_another_endpoints_secret_is_told_with_whose_it_is() -> None:
    others = [KnownSecret("endpoint we_2", new_secret()), KnownSecret("endpoint we_1", SECRET)]
    stripe, _ = diagnose(Case(headers=HEADERS, body=BODY, secret=new_secret(), now=NOW, others=others))
    assert [cause.code for cause in stripe.causes] == ["wrong_secret"]
    assert "endpoint we_1" in stripe.causes[0].happened
    assert codes(secret=new_secret(), sent_body=BODY) == (["wrong_secret"], ["wrong_secret"])


def test_two_things_at_once_are_both_told() -> None:
    others = [KnownSecret("endpoint we_1", SECRET)]
    found, _ = codes(body=BODY + b"\n", secret=new_secret(), others=others, now=NOW + 900)
    assert found == ["trailing_newline", "wrong_secret", "stale"]


@pytest.mark.parametrize(
    ("now", "tolerance", "cause"),
    [(NOW + 301, 300, ["stale"]), (NOW - 301, 300, ["clock_behind"]), (NOW + 301, 400, [])],
)
def test_a_stale_timestamp_is_told_as_such(now: int, tolerance: int, cause: list[str]) -> None:
    assert codes(now=now, tolerance=tolerance) == (cause, cause)


@pytest.mark.parametrize(
    "mangle",
    [
        lambda value: f'"{value}"',
        lambda value: quote(value),
        lambda value: value.replace(",", ", "),
        lambda value: value.replace(",v1=", ";v1="),
        lambda value: value.upper().replace("T=", "t=").replace("V1=", "v1="),
        lambda value: value.replace(f"t={NOW}", f"t={NOW}000"),
        lambda value: value.replace("v1=", ""),
        lambda value: value.replace("v1=", "v0="),
    ],
)
def test_a_mangled_header_is_told_and_the_rest_is_judged_all_the_same(mangle: Any) -> None:
    headers = {**HEADERS, "stripe-signature": mangle(HEADERS["stripe-signature"])}
    assert codes(headers=headers) == (["header_mangled"], [])
    assert codes(headers=headers, body=BODY + b"\n") == (
        ["header_mangled", "trailing_newline"],
        ["trailing_newline"],
    )


@pytest.mark.parametrize(
    ("mangle", "words"),
    [
        (lambda value: value.replace(f"t={NOW}", f"t={NOW}000"), "milliseconds"),
        (lambda value: value.replace("v1=", "v0="), "no v1 signature"),
        (lambda value: f'"{value}"', "quotes"),
        (quote, "URL-encoded"),
    ],
)
def test_what_was_done_to_a_header_is_named(mangle: Any, words: str) -> None:
    headers = {**HEADERS, "stripe-signature": mangle(HEADERS["stripe-signature"])}
    stripe, _ = diagnose(Case(headers=headers, body=BODY, secret=SECRET, now=NOW))
    assert words in stripe.causes[0].happened


def test_a_timestamp_in_milliseconds_is_named_in_the_other_scheme_too() -> None:
    headers = {**HEADERS, "webhook-timestamp": f"{NOW}000"}
    _, standard = diagnose(Case(headers=headers, body=BODY, secret=SECRET, now=NOW))
    assert [cause.code for cause in standard.causes] == ["header_mangled"]
    assert "milliseconds" in standard.causes[0].happened


def test_a_signature_among_several_and_one_of_an_old_secret_verify() -> None:
    old = new_secret()
    both = SigningKeys(SECRET, old).headers(message_id="evt_1", timestamp=NOW, body=BODY)
    headers = {name.lower(): value for name, value in both.items()}
    for secret in (SECRET, old):
        assert codes(headers=headers, secret=secret) == ([], [])


def test_headers_that_a_proxy_renamed_are_found_and_the_rest_is_judged_all_the_same() -> None:
    headers = {f"x-amzn-remapped-{name}": value for name, value in HEADERS.items()}
    assert codes(headers=headers) == (["header_renamed"], ["header_renamed"] * 3)
    assert codes(headers=headers, body=BODY + b"\n")[0] == ["header_renamed", "trailing_newline"]
    del headers["x-amzn-remapped-webhook-id"]
    assert codes(headers=headers)[1] == ["header_renamed"] * 2 + ["header_missing"]


def test_headers_and_body_of_two_deliveries_are_told_apart() -> None:
    body = BODY.replace(b"evt_1", b"evt_2")
    assert codes(body=body) == (["other_delivery"], ["other_delivery"])
    assert codes(body=body, sent_body=BODY) == (["other_delivery"], ["other_delivery"])


def test_line_breaks_that_were_changed_are_told() -> None:
    body = json.dumps(PARSED, indent=1, ensure_ascii=False).encode()
    keys = SigningKeys(SECRET).headers(message_id="evt_1", timestamp=NOW, body=body)
    headers = {name.lower(): value for name, value in keys.items()}
    assert codes(headers=headers, body=body.replace(b"\n", b"\r\n")) == (["line_breaks"], ["line_breaks"])


def test_headers_of_the_other_scheme_and_halves_of_headers_are_told() -> None:
    swapped = {
        **HEADERS,
        "stripe-signature": f"t={NOW},{HEADERS['webhook-signature']}",
        "webhook-signature": HEADERS["stripe-signature"].partition(",")[2].replace("v1=", ""),
    }
    stripe, standard = diagnose(Case(headers=swapped, body=BODY, secret=SECRET, now=NOW))
    assert "base64" in stripe.causes[0].happened
    assert "hexadecimal" in standard.causes[0].happened
    cut = {**HEADERS, "stripe-signature": HEADERS["stripe-signature"][:50]}
    (told, *_), _ = (
        verdict.causes for verdict in diagnose(Case(headers=cut, body=BODY, secret=SECRET, now=NOW))
    )
    assert told.code == "header_mangled"
    assert "no whole signature" in told.happened
    assert codes(headers={}) == (["header_missing"], ["header_missing"])
    assert codes(headers={"stripe-signature": HEADERS["stripe-signature"]}) == ([], ["header_missing"])


def test_nothing_is_invented_where_nothing_fits() -> None:
    assert codes(secret=new_secret()) == (["no_match"], ["no_match"])


def test_headers_are_read_however_they_were_written_down() -> None:
    lines = [
        "> POST /hook HTTP/1.1",
        "> Content-Type: application/json",
        "Stripe-Signature: t=1,v1=a:b",
        "HTTP_WEBHOOK_ID: evt_1",
        '"webhook-timestamp": 7',
        "",
        "junk",
    ]
    assert read_headers(lines) == {
        "content-type": "application/json",
        "stripe-signature": "t=1,v1=a:b",
        "webhook-id": "evt_1",
        "webhook-timestamp": "7",
    }


def _hex(key: bytes, message: bytes, digest: str = "sha256") -> str:
    return hmac.digest(key, message, digest).hex()


STAMPED = f"{NOW}.".encode() + BODY


@pytest.mark.parametrize(
    ("computed", "words"),
    [
        (_hex(SECRET.removeprefix("whsec_").encode(), STAMPED), "without its whsec_"),
        (_hex(standard_key(SECRET), STAMPED), "the bytes behind the secret's base64"),
        (_hex(SECRET.encode(), BODY), "of the body alone"),
        (_hex(SECRET.encode(), f"{NOW}.".encode() + json.dumps(PARSED).encode()), "no mistake"),
        (_hex(SECRET.encode(), STAMPED, "sha1"), "HMAC-SHA1"),
        (
            base64.b64encode(hmac.digest(SECRET.encode(), b"evt_1." + STAMPED, "sha256")).decode(),
            "the whole secret text",
        ),
        (_hex(b"", STAMPED), "an empty key"),
        (hashlib.sha256(SECRET.encode() + BODY).hexdigest(), "no HMAC"),
        ("0" * 64, "no mistake"),
    ],
)
def test_how_the_receivers_code_computed_is_told(computed: str, words: str) -> None:
    found = how_computed(f"v1={computed}", headers=HEADERS, body=BODY, secret=SECRET, timestamp=str(NOW))
    assert ("no mistake" if found is None else found.happened).find(words) >= 0
