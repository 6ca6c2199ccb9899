"""outbox and dispatcher in a Django project of another domain, by two lines of its settings."""

import json
from pathlib import Path

import standardwebhooks

from tests.hostile.receivers import Receiver, answer_all
from tests.reuse.conftest import REPOSITORY, Project

LOOPBACK = "parcels.settings_for_loopback"


def test_two_lines_of_settings_are_enough() -> None:
    """The project's settings name the two apps and nothing else of ours."""
    settings = (Path(__file__).parent / "parcels" / "settings.py").read_text()
    ours = [line for line in settings.splitlines() if "outbox" in line or "dispatcher" in line.lower()]
    assert ours == ['INSTALLED_APPS += ["outbox"]', 'INSTALLED_APPS += ["dispatcher"]']


def test_a_parcels_event_is_delivered_signed(project: Project) -> None:
    project.run("-m", "django", "check", "--fail-level", "WARNING")
    project.run("-m", "django", "migrate", "--verbosity", "0")
    project.run("-m", "django", "makemigrations", "--check", "--dry-run")

    with Receiver(answer_all()) as receiver:
        told = json.loads(project.run("-m", "parcels.story", receiver.url(), settings=LOOPBACK).stdout)
        for app in ("outbox", "dispatcher"):
            assert Path(told[app]).name == "__init__.py"
            assert not Path(told[app]).is_relative_to(REPOSITORY)
        assert (told["parcels"], told["events"], told["pending"]) == (["P-1"], 1, 1)

        drained = project.run(
            "-m", "django", "run_dispatcher", "--drain", "--log", "attempts", settings=LOOPBACK
        )

    (request,) = receiver.requests
    headers, body = parsed(request)
    verified = standardwebhooks.Webhook(told["secret"]).verify(body, headers)
    assert verified["type"] == "parcel.sent"
    assert verified["data"] == {"object": {"code": "P-1", "sent": True}}
    assert verified["id"] == headers["webhook-id"] == told["event"]
    (line,) = map(json.loads, drained.stdout.splitlines())
    assert (line["outcome"], line["status"], line["attempt"]) == ("succeeded", 200, 1)


def test_a_dispatcher_runs_on_the_two_lines_alone(project: Project) -> None:
    project.run("-m", "django", "migrate", "--verbosity", "0")
    assert project.run("-m", "django", "run_dispatcher", "--drain").stdout == ""


def parsed(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    pairs = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return {name.lower(): value for name, value in pairs}, body
