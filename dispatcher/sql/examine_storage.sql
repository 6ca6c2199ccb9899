-- What a server tells of its storage: the size of this database, whether we may list its WAL, since when archiving
-- fails, where its data is (where we may know), and whether it runs on this machine, by the addresses of the connection.
SELECT pg_database_size(current_database()), has_function_privilege('pg_ls_waldir()', 'execute'),
       (SELECT last_failed_time AT TIME ZONE 'UTC' FROM pg_stat_archiver
         WHERE last_failed_time > coalesce(last_archived_time, '-infinity')),
       (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
       inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()
