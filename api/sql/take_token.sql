-- Take a token from a subject's bucket. Gives the seconds until there is one, 0 where it was taken. The bucket is one
-- moment, the one at which it is full again; a moment further ahead than a whole bucket was made by another rate or
-- another clock, and counts for nothing. An empty bucket is told from a snapshot: who is refused locks nothing.
WITH spent AS MATERIALIZED (
    SELECT full_at
    FROM api_rate_bucket
    WHERE subject = %(subject)s
      AND full_at > clock_timestamp() + %(whole)s::interval - %(each)s::interval
      AND full_at <= clock_timestamp() + %(whole)s::interval
), taken AS (
    INSERT INTO api_rate_bucket AS bucket (subject, full_at)
    SELECT %(subject)s, clock_timestamp() + %(each)s::interval
    WHERE NOT EXISTS (SELECT FROM spent)
    ON CONFLICT (subject) DO UPDATE
    SET full_at = CASE
        WHEN bucket.full_at > clock_timestamp() + %(whole)s::interval THEN clock_timestamp()
        ELSE greatest(bucket.full_at, clock_timestamp())
    END + %(each)s::interval
    WHERE bucket.full_at <= clock_timestamp() + %(whole)s::interval - %(each)s::interval
       OR bucket.full_at > clock_timestamp() + %(whole)s::interval
    RETURNING subject
)
SELECT CASE
    WHEN EXISTS (SELECT FROM taken) THEN 0
    ELSE greatest(1, ceil(extract(epoch FROM coalesce(
        (SELECT full_at - clock_timestamp() - %(whole)s::interval FROM spent), interval '0'
    ) + %(each)s::interval)))
END::integer
