-- Whether an index is whole; no row where there is none of that name. One whose building was interrupted stays, invalid.
SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%(index)s))
