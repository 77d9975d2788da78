-- label: dangerous
-- hazard: column-without-default
-- why: A tenant column on a filled table without a default fails.
ALTER TABLE reports.monthly ADD COLUMN tenant_id bigint NOT NULL;
