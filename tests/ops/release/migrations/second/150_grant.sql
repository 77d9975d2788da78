-- label: safe
-- why: A right for a role that is there.
GRANT SELECT ON app.review TO pg_monitor;
-- downgrade --
REVOKE SELECT ON app.review FROM pg_monitor;
