"""Everything that checks of the dispatcher and of its database may find."""

from outbox.findings import Entry

CATALOGUE: dict[str, Entry] = {
    "dispatcher.E001": Entry(
        "A setting of DISPATCHER is unknown, out of range, or contradicts another one",
        "Mend the DISPATCHER setting.",
    ),
    "dispatcher.E002": Entry(
        "The file of trusted certificates cannot be read",
        "Set WEBHOOK_CA_BUNDLE to a file of PEM certificates that the process may read, or leave it out for certifi's.",
    ),
    "dispatcher.E003": Entry(
        "Signing secrets of endpoints cannot be decrypted",
        "Put the key that sealed them back into WEBHOOK_SECRET_KEYS, behind the newest; else rotate each secret.",
    ),
    "dispatcher.E004": Entry(
        "No dispatcher is running while deliveries are due",
        "Start one: manage.py run_dispatcher.",
    ),
    "dispatcher.E005": Entry(
        "The broker cannot be used",
        "Start it, or correct WEBHOOK_BROKER_URL; until then run_dispatcher --executor local delivers without one.",
    ),
    "dispatcher.W001": Entry(
        "Signing secrets are encrypted with a key made from SECRET_KEY",
        "Set WEBHOOK_SECRET_KEYS (DISPATCHER['SECRET_KEYS']) to a list of Fernet keys.",
    ),
    "dispatcher.W002": Entry(
        "A process may open fewer files than its sends need",
        "Raise the limit (ulimit -n, LimitNOFILE= of the unit), or lower WEBHOOK_CONCURRENCY.",
    ),
    "dispatcher.W003": Entry(
        "The retry schedule is over before an outage of an hour is",
        "Leave WEBHOOK_RETRY_SCHEDULE_SECONDS out for three days, or lengthen it.",
    ),
    "dispatcher.W004": Entry(
        "An endpoint is disabled before the retry schedule has its last attempts",
        "Make WEBHOOK_DISABLE_AFTER_DAYS longer than the schedule, or 0 for never.",
    ),
    "dispatcher.W005": Entry(
        "Attempts are forgotten before the retry schedule is over",
        "Make ATTEMPT_RETENTION_DAYS longer than the schedule.",
    ),
    "dispatcher.W006": Entry(
        "Deliveries are paused",
        "Go on: manage.py resume_deliveries.",
    ),
    "dispatcher.W007": Entry(
        "A dispatcher ended without saying so, or hangs",
        "Read its log; what it held is claimed again when its leases end. Start it anew where it hangs.",
    ),
    "dispatcher.W008": Entry(
        "Deliveries are late",
        "Start another run_dispatcher; where many wait for one endpoint, look at it: manage.py webhooks "
        "endpoints show.",
    ),
    "dispatcher.W009": Entry(
        "Host names of endpoints are resolved slowly, or not at all",
        "Where it is many, check this machine's resolver (/etc/resolv.conf); where it is one, its owner has to.",
    ),
    "database.E001": Entry(
        "The version of PostgreSQL is not supported", "Upgrade to PostgreSQL 14 or newer."
    ),
    "database.E002": Entry("Migrations are not applied", "Run: manage.py migrate."),
    "database.E003": Entry(
        "The server is read-only: a standby, or switched so",
        "Point DATABASE_URL at the primary.",
    ),
    "database.E004": Entry(
        "A crash of the server may lose or damage what was committed",
        "Switch fsync, full_page_writes and synchronous_commit on in postgresql.conf.",
    ),
    "database.E005": Entry(
        "The clocks of this machine and of the database are a minute apart, or more",
        "Run NTP on both machines. Ids and partitions follow the clock of whoever makes them.",
    ),
    "database.E006": Entry(
        "The server's disk is almost full: PostgreSQL stops where it cannot write",
        "Make room, or a larger disk, now. Look at what holds back WAL, and at what else lies there.",
    ),
    "database.W001": Entry(
        "The version of PostgreSQL is newer than what is tested",
        "Watch for an upgrade of Mini Stripe; nothing is known to fail.",
    ),
    "database.W002": Entry(
        "Autovacuum is off",
        "Switch autovacuum and track_counts on: live deliveries are rewritten all the time.",
    ),
    "database.W003": Entry(
        "A table has far more dead rows than live ones",
        "Look for a transaction that has been open for long, then: VACUUM (ANALYZE) of the table.",
    ),
    "database.W004": Entry(
        "A transaction has been open for long: nothing that died since can be vacuumed",
        "End it: SELECT pg_terminate_backend(pid), and set idle_in_transaction_session_timeout where it came from.",
    ),
    "database.W005": Entry(
        "Partitions are not made ahead",
        "Run manage.py maintain_partitions, or a dispatcher whose role may: it does so once an hour.",
    ),
    "database.W006": Entry(
        "A default partition holds rows",
        "Run manage.py maintain_partitions; where it names ids of the future, set the clock that made them right.",
    ),
    "database.W007": Entry(
        "The clocks of this machine and of the database differ",
        "Run NTP on both machines; receivers refuse signatures that are five minutes off.",
    ),
    "database.W008": Entry(
        "Most connections of the server are in use",
        "Raise max_connections, run fewer processes, or put PgBouncer between.",
    ),
    "database.W009": Entry(
        "Too little is written to the WAL for a standby, or for a backup of any moment",
        "Set wal_level = replica in postgresql.conf and start the server anew.",
    ),
    "database.W010": Entry(
        "A replication slot holds back WAL, which fills the disk",
        "Start its reader; where it is gone for good: SELECT pg_drop_replication_slot(name). "
        "max_slot_wal_keep_size bounds what a slot may hold.",
    ),
    "database.W011": Entry(
        "WAL cannot be archived: it stays, and fills the disk",
        "Read the server's log, and mend archive_command or the place where it writes to.",
    ),
    "database.W012": Entry(
        "Autovacuum is off for single tables",
        "ALTER TABLE of each: RESET (autovacuum_enabled). Live deliveries are rewritten all the time.",
    ),
    "database.W013": Entry(
        "Transaction ids run out: autovacuum does not get to freeze old rows",
        "Look for what holds it back (open and prepared transactions, replication slots), then: VACUUM (FREEZE).",
    ),
    "database.W014": Entry(
        "The server's disk is filling up",
        "Make room, or shorten the retention; look at what holds back WAL.",
    ),
    "database.W015": Entry(
        "A prepared transaction was left: nothing that died since can be vacuumed",
        "Ask whoever prepared it, then COMMIT PREPARED or ROLLBACK PREPARED with its name.",
    ),
}
