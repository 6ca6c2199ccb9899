"""A service with a past: merchants, endpoints that fail in more than ten ways, payments, replays.

`python -m tools.demo_data` builds it on a private PostgreSQL and stays up, to be looked at; `make screenshots` takes
its pictures of it, and the tests in `tests/browser/` click through it.

What happened within the last minute is a real run of the product against a receiver that misbehaves. The days before
are generated (`past.py`), in the tables and in the way in which the product would have written them.
"""
