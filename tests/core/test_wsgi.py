"""The WSGI entry answers every Content-Type, also those that Django cannot read."""

import io
import json

import pytest

from core.wsgi import application

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=hex",
        "application/json; charset=no-such",
        "application/json; name*=bogus'en'%41",
    ],
)
def test_any_content_type_is_answered_in_the_envelope(content_type):
    answered = []
    body = application(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/customers/",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": "2",
            "wsgi.input": io.BytesIO(b"{}"),
            "wsgi.url_scheme": "http",
        },
        lambda line, headers: answered.append(line),
    )
    assert json.loads(b"".join(body))["error"]["code"] == "api_key_missing"
    assert answered == ["401 Unauthorized"]
