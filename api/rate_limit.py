"""How often one key may call: a bucket of tokens for each, in this process's memory.

Each process of the API counts by itself, so the whole lets through as many times the rate as there are processes.
"""

import threading
import time
import uuid
from collections import OrderedDict

from api.config import rate_limit
from api.errors import RateLimited

# The keys that called last; the bucket of any other is full again or nearly so.
_MOST_BUCKETS = 10_000


class Buckets:
    """A second's worth of requests at once, then as many a second as the rate says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[uuid.UUID, tuple[float, float]] = OrderedDict()  # tokens, and when

    def take(self, key_id: uuid.UUID, *, rate: float, now: float) -> bool:
        """Whether there was a token for the request. `now` in seconds, by a clock that only goes forward."""
        most = max(1.0, rate)
        with self._lock:
            tokens, since = self._buckets.pop(key_id, (most, now))
            tokens = min(most, tokens + (now - since) * rate)
            taken = tokens >= 1.0
            self._buckets[key_id] = (tokens - 1.0 if taken else tokens, now)
            if len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        return taken


_buckets = Buckets()


def check_rate(key_id: uuid.UUID) -> None:
    """Raises RateLimited."""
    rate = rate_limit()
    if rate and not _buckets.take(key_id, rate=rate, now=time.monotonic()):
        raise RateLimited
