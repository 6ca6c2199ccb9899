-- Delete some buckets that are full again: their subjects begin with full ones in any case.
WITH full_again AS MATERIALIZED (
    SELECT subject FROM api_rate_bucket WHERE full_at <= clock_timestamp() LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM api_rate_bucket AS bucket USING full_again WHERE bucket.subject = full_again.subject
