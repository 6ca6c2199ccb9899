"""Which URLs name a broker, and what is said of those that do not, or that nobody answers at."""

import subprocess
import sys

import pytest

from dispatcher.brokers import broker_url_problem, build_broker, close_broker, reach_broker, shown
from dispatcher.config import DispatcherSettings
from dispatcher.errors import BrokerOutOfReach, BrokerUnusable
from dispatcher.hints import HintPost
from tests.hostile.receivers import closed_port

SCHEMES = "must begin with amqp:// or amqps:// (RabbitMQ), or with redis:// or rediss:// (Redis)"
MALFORMED = "has a malformed host or port (a password's special characters are written as %..)"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@127.0.0.1:5672/%2F",
        "amqp://broker",
        "amqps://user:p%40ss@broker:5671/webhooks?heartbeat=10",
        "redis://127.0.0.1",
        "redis://:password@broker:6379/3",
        "rediss://broker:6380/0",
    ],
)
def test_a_broker_is_built_without_being_reached(url):
    assert broker_url_problem(url) is None
    broker = build_broker(url)
    # Nothing of dramatiq's that retries, delays, ages or interrupts.
    assert broker.middleware == []
    close_broker(broker)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", f"{SCHEMES}, not with something else"),
        ("kafka://broker:9092", f"{SCHEMES}, not with kafka://"),
        ("amqp://", "names no host: amqp://host:port is the least"),
        ("redis://broker/webhooks", "must end in the number of a database, redis://host:port/0"),
        ("amqp://broker:port/", MALFORMED),
        ("amqp://user:secr/et@broker/", MALFORMED),
    ],
)
def test_another_url_is_refused_and_its_password_is_not_shown(url, problem):
    assert broker_url_problem(url) == problem
    with pytest.raises(BrokerUnusable, match="the broker's URL"):
        build_broker(url)


@pytest.mark.parametrize(("scheme", "kind"), [("amqp", "rabbitmq"), ("redis", "redis")])
def test_a_client_library_that_is_missing_is_named(scheme, kind, monkeypatch):
    monkeypatch.setitem(sys.modules, f"dramatiq.brokers.{kind}", None)
    with pytest.raises(
        BrokerUnusable, match=r"^dramatiq\S+ is not installed; .*ministripe-outbox\[dramatiq\]"
    ):
        build_broker(f"{scheme}://broker")


def test_the_dispatcher_runs_without_dramatiq():
    program = (
        "import sys; sys.modules |= dict.fromkeys(['dramatiq', 'pika', 'redis']); "
        "import django; django.setup(); import dispatcher.management.commands.run_dispatcher"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_setting_is_checked_with_the_others():
    problems = DispatcherSettings(broker_url="kafka://broker").problems()
    assert [problem for problem in problems if problem.startswith("BROKER_URL must begin with amqp://")]


def test_what_is_shown_of_a_url_has_no_password():
    assert shown("amqp://user:geheim@broker:5672/webhooks?x=geheim") == "amqp://broker:5672/webhooks"
    assert shown("redis://:geheim@broker/0") == "redis://broker/0"


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_a_broker_that_is_away_is_said_in_one_line(scheme):
    post = HintPost(f"{scheme}://127.0.0.1:{closed_port()}")
    for reach in (post.connect, lambda: post.send([]), lambda: reach_broker(post.broker)):
        with pytest.raises(BrokerOutOfReach, match=r"^[^\n]*Connection refused$"):
            reach()
    post.stay_connected()
    post.close()
