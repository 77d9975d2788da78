-- label: dangerous
-- hazard: unique-without-index
-- why: The index behind the new key is built under an exclusive lock.
ALTER TABLE app.review DROP CONSTRAINT review_pkey, ADD PRIMARY KEY (tenant_id, id);
