"""Making and dropping one partition of a table that is partitioned by its UUIDv7 key.

Functions of the database, because a partition's name and bounds are identifiers and literals of DDL.
"""

from django.db import migrations

MAKE_PARTITION = """
CREATE FUNCTION outbox_make_partition(parent text, partition text, low uuid, high uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
-- True where the partition was missing. Rows of its range that strayed into the default partition move over:
-- nothing may be added to the default one meanwhile, or the new one could not be attached.
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition, parent);
    EXECUTE format(
        'WITH strayed AS (DELETE FROM %I WHERE id >= %L AND id < %L RETURNING *) INSERT INTO %I SELECT * FROM strayed',
        parent || '_default', low, high, partition
    );
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition, low, high);
    RETURN true;
END
$$
"""

DROP_PARTITION = """
CREATE FUNCTION outbox_drop_partition(parent text, partition text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = parent::regclass AND inhrelid = partition::regclass) THEN
        RAISE EXCEPTION '% is no partition of %', partition, parent;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial")]

    operations = [
        migrations.RunSQL(MAKE_PARTITION, "DROP FUNCTION outbox_make_partition"),
        migrations.RunSQL(DROP_PARTITION, "DROP FUNCTION outbox_drop_partition"),
    ]
