"""The thread of a worker that begins what hints name, on its way down."""

import io
from datetime import timedelta

import pytest
from django.db import OperationalError

from dispatcher.attempt_log import AttemptLog
from dispatcher.config import dispatcher_settings
from dispatcher.hint_worker import HintPipeline
from dispatcher.pulse import Pulse
from tests.processes import PATIENCE


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_stop_waits_for_no_outage(monkeypatch):
    told = io.StringIO()
    worker = HintPipeline(
        settings=dispatcher_settings(),
        log=AttemptLog(max_attempts=3, stdout=io.StringIO(), stderr=told),
        concurrency=1,
        lease=timedelta(seconds=30),
    )

    def gone(pulse: Pulse) -> None:
        worker.close()
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(Pulse, "write", gone)
    worker.start()
    worker.join(PATIENCE)
    assert not worker.is_alive()
    assert (worker.failure, told.getvalue()) == (None, "")
