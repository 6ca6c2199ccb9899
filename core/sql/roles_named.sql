-- Which of these roles exist, and whether one is more than grants make it: privileged by itself, or as a member.
SELECT rolname::text,
       rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
           OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)
           OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)
FROM pg_roles
WHERE rolname = ANY(%(names)s)
