"""Everything that checks of the payments room may find."""

from outbox.findings import Entry

CATALOGUE: dict[str, Entry] = {
    "core.E001": Entry(
        "API_KEY_HASH_KEY is too short",
        "Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'. It makes every API key unknown.",
    ),
    "core.E002": Entry(
        "Payments or refunds are due, and nobody settles them",
        "Start manage.py run_settlement, or another one; where one runs, its log says what fails.",
    ),
    "core.W001": Entry(
        "A lock is waited for as long as a statement may take, or longer",
        "Make LOCK_TIMEOUT_MS smaller than STATEMENT_TIMEOUT_MS: then a lock that is held is told as such.",
    ),
    "core.W002": Entry(
        "SECRET_KEY and API_KEY_HASH_KEY are the same",
        "Give each a value of its own: whoever learns one then has not both.",
    ),
}
