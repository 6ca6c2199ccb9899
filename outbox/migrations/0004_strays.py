"""What a default partition holds, for maintenance and metrics.

A function of the database, because the name of a table is an identifier of the statement that reads it.
"""

from django.db import migrations

STRAYS = """
CREATE FUNCTION outbox_strays(parent text, since uuid, most integer, OUT held integer, OUT oldest uuid)
LANGUAGE plpgsql STABLE AS $$
-- How many rows the default partition holds, counted up to a bound, and the least id of them from `since` on.
-- None where the table has no default partition.
BEGIN
    held := 0;
    IF to_regclass(parent || '_default') IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %I LIMIT %s) AS stray', parent || '_default', most) INTO held;
    EXECUTE format('SELECT id FROM %I WHERE id >= %L ORDER BY id LIMIT 1', parent || '_default', since) INTO oldest;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_order")]

    operations = [migrations.RunSQL(STRAYS, "DROP FUNCTION outbox_strays")]
