-- The clock that schedules: no dispatcher's or API server's own clock decides when something is due.
SELECT clock_timestamp()
