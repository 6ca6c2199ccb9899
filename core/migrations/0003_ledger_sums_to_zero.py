"""The database itself keeps the ledger's books: entries sum to zero, and stay as they were written."""

from django.db import migrations

_BALANCED = """
CREATE FUNCTION core_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written GROUP BY transaction_id HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the entries of a ledger transaction do not sum to zero'
              USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$$;
-- A transaction's entries are written by one statement, so one look at its rows is enough.
CREATE TRIGGER core_ledger_entry_balanced AFTER INSERT ON core_ledger_entry
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION core_ledger_balanced();
"""
_FINAL = """
CREATE FUNCTION core_ledger_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of the ledger are never changed'
          USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER core_ledger_entry_final BEFORE UPDATE OR DELETE ON core_ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION core_ledger_final();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_money")]

    operations = [
        migrations.RunSQL(
            _BALANCED,
            "DROP TRIGGER core_ledger_entry_balanced ON core_ledger_entry; DROP FUNCTION core_ledger_balanced()",
        ),
        migrations.RunSQL(
            _FINAL,
            "DROP TRIGGER core_ledger_entry_final ON core_ledger_entry; DROP FUNCTION core_ledger_final()",
        ),
    ]
