"""What operations pages are looked at with: rollups of the last hours, and forms as a browser sends them."""

import html
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from dispatcher.models import Endpoint, Rollup
from dispatcher.tallies import DURATION_BOUNDS, WAIT_BOUNDS

ALL = uuid.UUID(int=0)


def roll_up(
    *,
    endpoint: Endpoint | None = None,
    minutes_ago: int = 5,
    ok: int = 0,
    codes: Mapping[str, int] | None = None,
    waits: int = 0,
) -> datetime:
    """What a dispatcher keeps of a minute and its hour, for an endpoint or for all; gives the minute."""
    minute = (timezone.now() - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    failed = sum((codes or {}).values())
    for seconds, begins_at in ((60, minute), (3_600, minute.replace(minute=0))):
        Rollup.objects.create(
            subject=endpoint.id if endpoint else ALL,
            seconds=seconds,
            begins_at=begins_at,
            scope="endpoint" if endpoint else "all",
            succeeded=ok,
            failed=failed,
            delivered=ok,
            dead_lettered=0,
            cancelled=0,
            skipped=0,
            codes=dict(codes or {}),
            total_ms=20.0 * (ok + failed),
            durations=[ok + failed] + [0] * len(DURATION_BOUNDS),
            waits=[waits] + [0] * len(WAIT_BOUNDS),
        )
    return minute


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the form on a page's question."""
    main = page.partition("<main")[2]
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', main)
    }


def send(client: Client, path: str, **fields: str) -> Any:
    """Look at the question of a path, then confirm it."""
    asked = client.get(path)
    assert asked.status_code == 200, asked.content.decode()
    return client.post(path, {**form_of(asked.content.decode()), **fields})
