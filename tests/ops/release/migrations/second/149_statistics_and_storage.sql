-- label: safe
-- why: Neither readers nor writers wait.
ALTER TABLE app.employee ALTER COLUMN name SET STATISTICS 500;
ALTER TABLE app.employee SET (autovacuum_vacuum_scale_factor = 0.05);
