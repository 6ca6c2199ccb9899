"""Entry module of dramatiq's own command: `DJANGO_SETTINGS_MODULE=… dramatiq dispatcher.worker`.

Sets Django up and declares the broker of DISPATCHER["BROKER_URL"]; `manage.py run_worker` does the same in one
process, with clearer words where something is amiss.
"""

import sys

import django
from django.apps import apps
from dramatiq import set_broker

if not apps.ready:
    django.setup()

from dispatcher.attempt_log import AttemptLog
from dispatcher.config import dispatcher_settings
from dispatcher.errors import BrokerUnusable, ConfigurationError
from dispatcher.hint_worker import worker_broker
from outbox.errors import NotUsable
from outbox.tracing import start_tracing

try:
    settings = dispatcher_settings()
    start_tracing("webhook-dispatcher")
    broker, _ = worker_broker(
        settings.broker_url or "",
        settings=settings,
        # The process's own streams: dramatiq puts pipes to its parent in the place of sys.stdout and sys.stderr.
        log=AttemptLog(
            max_attempts=settings.retry_policy.max_attempts, stdout=sys.__stdout__, stderr=sys.__stderr__
        ),
        concurrency=settings.concurrency,
    )
except (ConfigurationError, BrokerUnusable, NotUsable) as error:
    # What dramatiq answers with its exit code for a module that is of no use.
    raise ImportError(f"not usable: {error}") from error

set_broker(broker)
