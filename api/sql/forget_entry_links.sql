-- Delete links whose time was over long ago, oldest first.
WITH old AS MATERIALIZED (
    SELECT id FROM api_entry_link WHERE id < %(bound)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM api_entry_link AS link USING old WHERE link.id = old.id
