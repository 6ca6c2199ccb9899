-- Nobody is connected to the session any more, unless another connection took it over.
UPDATE api_cli_session
SET connection = NULL, seen_at = clock_timestamp(), cursor = greatest(cursor, %(cursor)s)
WHERE id = %(id)s AND connection = %(connection)s
