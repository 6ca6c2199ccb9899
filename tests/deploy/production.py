"""What a production deployment sets, and a process that starts with it."""

import base64
import os
import subprocess
import sys

from tests.processes import ROOT, worker_database_url

# Random once; known to whoever reads this, as those of a deployment are not.
SECRET = "Zq3vK9xWb7Lr2TnYc5HdFg8JmPs4QaEu6RiVo1XwBk0NtCyDhGjMlSzAe"
OTHER_SECRET = "pW8nRb2KxVt6LcYq9HjZd4FgMs7TaUe3QiXo5EvNk1BwCyDrGhJmPlSz0"
FERNET_KEY = base64.urlsafe_b64encode(bytes.fromhex("9f3ce1a07b528d46" * 4)).decode()

PRODUCTION = {
    "ENVIRONMENT": "production",
    "LOCAL_SECRETS": "false",
    "SECRET_KEY": SECRET,
    "API_KEY_HASH_KEY": OTHER_SECRET,
    "WEBHOOK_SECRET_KEYS": FERNET_KEY,
    "ALLOWED_HOSTS": "api.example.com",
    "PUBLIC_URL": "https://api.example.com",
    "CLI_RELAY_URL": "wss://relay.example.com/",
}


def manage(
    *arguments: str, database_url: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """`manage.py …` in production, but for `settings`, from beginning to end."""
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    where = {"DATABASE_URL": database_url or worker_database_url()}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**plain, **where, **PRODUCTION, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
