-- Nothing but a round trip: whether PostgreSQL answers.
SELECT 1
