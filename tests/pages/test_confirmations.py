"""A form acts once."""

from datetime import timedelta

import pytest

from api.models import UsedConfirmation
from api.pages import confirmations
from api.pages.confirmations import Confirmed, confirm, forget_confirmations, new_confirmation

pytestmark = pytest.mark.django_db
MINE = {"holder": "user:1", "purpose": "endpoint.disable:we_1"}


def test_a_confirmation_is_good_once():
    token = new_confirmation(**MINE)
    assert [confirm(token, **MINE) for _ in range(3)] == [Confirmed.NOW, Confirmed.BEFORE, Confirmed.BEFORE]


def test_two_forms_are_two_changes():
    assert [confirm(new_confirmation(**MINE), **MINE) for _ in range(2)] == [Confirmed.NOW, Confirmed.NOW]


@pytest.mark.parametrize("other", [{"holder": "user:2"}, {"purpose": "endpoint.disable:we_2"}])
def test_it_is_for_nobody_and_nothing_else(other):
    token = new_confirmation(**MINE)
    assert confirm(token, **{**MINE, **other}) == Confirmed.NEVER
    assert confirm(token, **MINE) == Confirmed.NOW


@pytest.mark.parametrize("token", ["", "made-up", "x" * 10_000, "\x00", "WyJhIl0:1:x"])
def test_what_we_have_not_signed_is_none(token):
    assert confirm(token, **MINE) == Confirmed.NEVER
    assert not UsedConfirmation.objects.exists()


def test_it_grows_too_old(monkeypatch):
    token = new_confirmation(**MINE)
    monkeypatch.setattr(confirmations, "GOOD_FOR", timedelta(seconds=-1))
    assert confirm(token, **MINE) == Confirmed.NEVER


def test_used_ones_are_forgotten_when_they_cannot_come_again(monkeypatch):
    confirm(new_confirmation(**MINE), **MINE)
    assert forget_confirmations(limit=10) == 0
    monkeypatch.setattr(confirmations, "_KEPT_FOR", timedelta(seconds=-1))
    assert forget_confirmations(limit=10) == 1
