-- Mark a confirmation as used: one row, and none where it was used before.
INSERT INTO api_used_confirmation (id) VALUES (%(id)s) ON CONFLICT DO NOTHING
