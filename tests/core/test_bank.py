import dataclasses
import threading
from collections import Counter

import pytest
from django.db import transaction

from core.bank import SimulatedBank
from core.models import BankAnswer
from core.payment_methods import DEFAULT_ID, PAYMENT_METHODS
from outbox.identifiers import new_uuid
from tests.core.merchants import in_threads

DRAWN = PAYMENT_METHODS[DEFAULT_ID]


def _ask(bank, reference, method=DRAWN):
    return bank.authorize(reference=reference, amount=2000, currency="usd", payment_method=method)


@pytest.mark.django_db
def test_the_bank_says_the_same_to_the_same_reference_for_ever():
    reference = new_uuid()
    first = _ask(SimulatedBank(success_rate=0.0), reference)
    assert not first.approved
    assert _ask(SimulatedBank(success_rate=1.0), reference) == first
    assert BankAnswer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_ask_at_once_hear_the_same():
    references = [new_uuid() for _ in range(20)]
    together = threading.Barrier(2)

    def ask_all(success_rate):
        together.wait()
        return [_ask(SimulatedBank(success_rate=success_rate), reference) for reference in references]

    first, second = in_threads(lambda: ask_all(1.0), lambda: ask_all(0.0))
    assert first == second


@pytest.mark.django_db(transaction=True)
def test_the_bank_is_never_asked_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        _ask(SimulatedBank(success_rate=1.0), new_uuid())
    assert BankAnswer.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(PAYMENT_METHODS.keys() - {DEFAULT_ID}))
def test_a_payment_method_fixes_its_answer_whatever_the_success_rate(name):
    method = PAYMENT_METHODS[name]
    answer = _ask(SimulatedBank(success_rate=0.5), new_uuid(), method)
    assert answer.approved is (method.decline is None)
    if method.decline is not None:
        told = {name: value for name, value in dataclasses.asdict(answer).items() if name != "approved"}
        assert told == dataclasses.asdict(method.decline)


@pytest.mark.django_db
def test_with_a_seed_the_answer_is_a_function_of_seed_and_reference():
    references = [new_uuid() for _ in range(64)]

    def answers(seed):
        BankAnswer.objects.all().delete()
        bank = SimulatedBank(success_rate=0.5, seed=seed)
        return [_ask(bank, reference).approved for reference in references]

    first = answers(7)
    assert answers(7) == first
    assert answers(8) != first
    assert set(first) == {True, False}


@pytest.mark.django_db
def test_the_success_rate_is_the_share_of_approvals():
    bank = SimulatedBank(success_rate=0.8, seed=1)
    drawn = Counter(bank._chance(new_uuid()) < bank.success_rate for _ in range(20_000))
    # Six standard deviations of 20,000 draws: a wrong rate fails, chance about never.
    assert abs(drawn[True] / 20_000 - 0.8) < 0.017
