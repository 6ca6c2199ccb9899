-- A dispatcher's statements touch a batch of rows of tables that may hold millions: only index plans are
-- ever right, whatever the statistics of a table that was empty a second ago say.
SELECT set_config('enable_seqscan', 'off', false),
       set_config('jit', 'off', false),
       set_config('random_page_cost', '1.1', false)
