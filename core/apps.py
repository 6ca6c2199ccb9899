from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Payments"
    crash_points = {
        "after_confirmation": "a card's confirmation is committed, the bank is not asked",
        "after_bank_answer": "the bank has answered, nothing of it is written",
        "during_settlement": "the bank's answer is applied, its transaction is open",
        "after_settlement_lease": "due settlements are leased and committed, none is settled",
        "after_settlement": "a settlement is committed, the rest of its batch is not settled",
    }

    def ready(self) -> None:
        from core import checks  # noqa: F401  (registers them)
