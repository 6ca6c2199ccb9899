"""`manage.py check` on the dispatcher's settings."""

from datetime import timedelta

import certifi

from dispatcher.checks import check_relations, check_secret_keys, check_settings


def messages(settings, **changes):
    settings.DISPATCHER = {**settings.DISPATCHER, **changes}
    return [(message.id, message.msg) for message in [*check_settings(None), *check_secret_keys(None)]]


def test_sound_settings_pass(settings):
    assert messages(settings) == []


def test_every_problem_is_an_error_of_its_own(settings):
    found = messages(settings, CONCURRENCY=0, LEASE=timedelta(seconds=1), SECRET_KEYS=["short"])
    assert [code for code, _ in found] == ["dispatcher.E001"] * 3
    assert any("LEASE must be at least 30 s" in text for _, text in found)


def test_protection_out_of_range_is_named_with_what_is_possible(settings):
    found = messages(
        settings,
        CIRCUIT_THRESHOLD=0,
        CIRCUIT_PAUSE=timedelta(0),
        CIRCUIT_PAUSE_CAP=timedelta(days=2),
        DISABLE_AFTER=timedelta(0),
        RETRY_SCHEDULE=[timedelta(seconds=5), timedelta(seconds=1)],
    )
    assert {code for code, _ in found} == {"dispatcher.E001"}
    assert sorted(text for _, text in found) == [
        "CIRCUIT_PAUSE must be between 0.001 s and 86400 s, not 0 s",
        "CIRCUIT_PAUSE_CAP must be between CIRCUIT_PAUSE (0 s) and 86400 s, not 172800 s",
        "CIRCUIT_THRESHOLD must be between 1 and 10000, not 0",
        "DISABLE_AFTER must be longer than 0 s, or None for never, not 0 s",
        "RETRY: invalid retry policy: the waits of the schedule must never decrease",
    ]


def test_a_longest_pause_below_the_first_one_is_refused(settings):
    ((_, text),) = messages(settings, CIRCUIT_PAUSE_CAP=timedelta(seconds=1))
    assert text == "CIRCUIT_PAUSE_CAP must be between CIRCUIT_PAUSE (5 s) and 86400 s, not 1 s"


def test_an_unknown_setting_is_named(settings):
    assert messages(settings, LEASES=1) == [("dispatcher.E001", "unknown setting DISPATCHER['LEASES']")]


def test_secrets_without_keys_of_their_own_are_warned_of(settings):
    assert [code for code, _ in messages(settings, SECRET_KEYS=[])] == ["dispatcher.W001"]


def relations(settings, **changes):
    settings.DISPATCHER = {**settings.DISPATCHER, **changes}
    return [message.id for message in check_relations(None)]


def test_settings_that_do_not_fit_each_other_are_warned_of(settings, monkeypatch, tmp_path):
    assert relations(settings) == []
    hour = timedelta(hours=1)
    schedule = [timedelta(minutes=1)] * 3
    assert relations(settings, RETRY_SCHEDULE=schedule) == ["dispatcher.W003"]
    assert relations(settings, RETRY_SCHEDULE=[hour] * 30, DISABLE_AFTER=2 * hour) == ["dispatcher.W004"]
    assert relations(settings, DISABLE_AFTER=None, ATTEMPT_RETENTION=24 * hour) == ["dispatcher.W005"]
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    settings.DISPATCHER = {**settings.DISPATCHER, "ATTEMPT_RETENTION": timedelta(days=30)}
    assert relations(settings, CONCURRENCY=256) == ["dispatcher.W002"]
    assert relations(settings, CONCURRENCY=100) == []


def test_certificates_that_cannot_be_read_are_an_error(settings, tmp_path):
    (tmp_path / "empty.pem").touch()
    for path in (tmp_path / "nowhere.pem", tmp_path / "empty.pem", tmp_path):
        assert relations(settings, CA_BUNDLE=str(path)) == ["dispatcher.E002"], path
    assert relations(settings, CA_BUNDLE=certifi.where()) == []
