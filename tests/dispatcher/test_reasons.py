"""Every word for a failure or an end has its explanation."""

import re

import pytest

from dispatcher.failures import EXPLANATIONS, FailureCode, Side
from dispatcher.reasons import REASONS, Reason, explanation_of
from dispatcher.retry import _PERMANENT, SCHEDULE_OVER
from outbox.sql import statements


def test_every_code_and_every_reason_is_explained_once():
    assert set(EXPLANATIONS) == set(FailureCode)
    assert set(REASONS) == set(Reason)
    assert not {str(code) for code in FailureCode} & {str(reason) for reason in Reason}


def test_every_reason_that_a_statement_or_a_decision_writes_is_explained():
    written = {SCHEDULE_OVER, *(str(code) for code in _PERMANENT), "unknown"}
    for text in statements("dispatcher.sql").values():
        written |= set(re.findall(r"'(endpoint_\w+|stopped)'", text))
    assert written >= {"endpoint_disabled", "endpoint_deleted", "stopped"}
    assert [word for word in written if explanation_of(word) is None] == []


@pytest.mark.parametrize("code", [None, "", "of_a_later_version"])
def test_a_word_that_nobody_knows_has_no_explanation(code: str | None):
    assert explanation_of(code) is None


def test_what_does_not_count_against_an_endpoint_is_not_its_problem():
    ours = {code for code, entry in EXPLANATIONS.items() if entry.side in (Side.US, Side.NOBODY)}
    assert ours == {
        FailureCode.STALE_CONNECTION,
        FailureCode.SECRET_UNDECRYPTABLE,
        FailureCode.UNRENDERABLE,
        FailureCode.INTERNAL_ERROR,
        FailureCode.UNKNOWN,
    }
