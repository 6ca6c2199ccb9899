"""`manage.py run_worker`, and `run_dispatcher --executor dramatiq`, where they cannot start."""

import pytest

from tests.hostile.receivers import closed_port
from tests.processes import Command

pytestmark = [pytest.mark.django_db(transaction=True)]

BOTH = [("run_worker",), ("run_dispatcher", "--executor", "dramatiq")]
NOWHERE = "redis://127.0.0.1:1/0"


def assert_one_sentence(command: Command, code: int, sentence: str) -> None:
    assert command.wait() == code, command.output()
    assert sentence in command.output()
    assert len(command.stderr) == 1, command.output()
    assert command.stdout == []


@pytest.mark.parametrize("command", BOTH, ids=lambda words: words[0])
class TestBoth:
    def test_without_a_broker_exits_2(self, command):
        with Command(*command) as process:
            assert_one_sentence(process, 2, "DISPATCHER['BROKER_URL']")

    def test_an_unknown_url_exits_2(self, command):
        with Command(*command, "--broker", "kafka://user:geheim@127.0.0.1:9092") as process:
            assert_one_sentence(process, 2, "not usable: the broker's URL must begin with amqp://")
        assert "geheim" not in process.output()

    def test_an_unknown_url_among_the_settings_exits_2(self, command):
        with Command(*command, WEBHOOK_BROKER_URL="nonsense") as process:
            assert_one_sentence(process, 2, "not usable: BROKER_URL must begin with amqp://")

    @pytest.mark.parametrize("scheme", ["amqp", "redis"])
    def test_a_broker_that_is_down_exits_3(self, command, scheme):
        url = f"{scheme}://127.0.0.1:{closed_port()}"
        with Command(*command, WEBHOOK_BROKER_URL=url) as process:
            assert_one_sentence(process, 3, "cannot reach the broker: ")

    def test_a_database_that_is_down_exits_3(self, command):
        with Command(
            *command, "--broker", NOWHERE, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"
        ) as process:
            assert_one_sentence(process, 3, "cannot reach PostgreSQL")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--concurrency", "0"], "--concurrency must be between 1 and 10000, not 0"),
        (["--threads", "0"], "--threads must be between 1 and 100, not 0"),
    ],
)
def test_a_bad_option_of_a_worker_exits_2(arguments, sentence):
    with Command("run_worker", "--broker", NOWHERE, *arguments) as worker:
        assert_one_sentence(worker, 2, sentence)


def test_a_bad_cap_of_a_dispatcher_exits_2():
    with Command("run_dispatcher", "--outstanding", "0") as dispatcher:
        assert_one_sentence(dispatcher, 2, "--outstanding must be between 1 and 100000, not 0")


def test_an_unknown_executor_exits_2():
    with Command("run_dispatcher", "--executor", "celery") as dispatcher:
        assert dispatcher.wait() == 2
    assert "invalid choice: 'celery'" in dispatcher.output()
