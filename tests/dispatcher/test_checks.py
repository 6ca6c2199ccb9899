"""`manage.py check` on the dispatcher's settings."""

from datetime import timedelta

from dispatcher.checks import check_secret_keys, check_settings


def messages(settings, **changes):
    settings.DISPATCHER = {**settings.DISPATCHER, **changes}
    return [(message.id, message.msg) for message in [*check_settings(None), *check_secret_keys(None)]]


def test_sound_settings_pass(settings):
    assert messages(settings) == []


def test_every_problem_is_an_error_of_its_own(settings):
    found = messages(settings, CONCURRENCY=0, LEASE=timedelta(seconds=1), SECRET_KEYS=["short"])
    assert [code for code, _ in found] == ["dispatcher.E001"] * 3
    assert any("LEASE must be at least 30 s" in text for _, text in found)


def test_an_unknown_setting_is_named(settings):
    assert messages(settings, LEASES=1) == [("dispatcher.E001", "unknown setting DISPATCHER['LEASES']")]


def test_secrets_without_keys_of_their_own_are_warned_of(settings):
    assert [code for code, _ in messages(settings, SECRET_KEYS=[])] == ["dispatcher.W001"]
