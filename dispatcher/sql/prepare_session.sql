-- A dispatcher's statements touch a batch of rows of tables that may hold millions: only index plans are
-- ever right, whatever the statistics of a table that was empty a second ago say. The claim rests on each
-- statement's own snapshot. A lock that is not free within two seconds is somebody's open transaction. One of
-- ours whose process stands still is ended: its locks would keep others from recording until their leases are over.
SELECT set_config('enable_seqscan', 'off', false),
       set_config('jit', 'off', false),
       set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('random_page_cost', '1.1', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('lock_timeout', '2s', false),
       set_config('idle_in_transaction_session_timeout', %(milliseconds)s::text, false)
