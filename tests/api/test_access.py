"""How callers prove who they are, and what a refusal tells of a key."""

import base64

import pytest

from tests.api.callers import Caller


@pytest.mark.parametrize("token", ["", "sk_test_short", "pk_test_" + "a" * 65, "sk_test_" + "\xe9" * 65])
def test_a_malformed_key_is_refused(caller: Caller, token: str) -> None:
    response = Caller(account=caller.account, key=token).get("/customers/")
    assert response.status_code == 401
    assert token == "" or token not in response.content.decode()


def test_the_secret_of_a_key_is_compared_whole(caller: Caller) -> None:
    assert caller.key is not None
    forged = caller.key[:-1] + ("a" if caller.key[-1] != "a" else "b")
    response = Caller(account=caller.account, key=forged).get("/customers/")
    assert response.status_code == 401
    assert forged not in response.content.decode()
    assert forged[-4:] in response.json()["error"]["message"]


def test_a_key_may_come_as_the_user_name_of_basic_authentication(caller: Caller) -> None:
    credentials = base64.b64encode(f"{caller.key}:".encode()).decode()
    assert caller.send("GET", "/customers/", Authorization=f"Basic {credentials}").status_code == 200


@pytest.mark.parametrize("header", ["Basic !", "Basic é", "Basic", "Basic /w==", "Digest x", "Bearer"])
def test_an_authorization_that_cannot_be_read_is_refused(caller: Caller, header: str) -> None:
    assert caller.send("GET", "/customers/", Authorization=header).status_code == 401
