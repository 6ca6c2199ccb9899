"""`manage.py check --deploy` on the settings of the payments room."""

import pytest

from core.checks import check_relations
from core.findings import CATALOGUE


def ids() -> list[str]:
    return [str(message.id) for message in check_relations(None)]


@pytest.mark.parametrize(
    ("statement", "lock", "found"),
    [(30_000, 10_000, []), (10_000, 10_000, ["core.W001"]), (10_000, 0, ["core.W001"]), (0, 0, [])],
)
def test_a_lock_is_waited_for_less_long_than_a_statement_takes(settings, statement, lock, found):
    options = f"-c statement_timeout={statement} -c lock_timeout={lock}"
    databases = {"default": {**settings.DATABASES["default"], "OPTIONS": {"options": options}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.config.settings.DATABASES", databases)
        assert ids() == found


def test_two_secrets_are_two(settings):
    settings.API_KEY_HASH_KEY = settings.SECRET_KEY
    (message,) = check_relations(None)
    assert message.id == "core.W002"
    assert message.hint is not None
    assert message.hint.startswith(CATALOGUE["core.W002"].remedy)
    assert message.hint.endswith("docs/reference/checks.md#corew002")
