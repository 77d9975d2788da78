-- label: safe
-- why: More digits of the same scale need no look at the rows.
CREATE TABLE reports.price (id bigint PRIMARY KEY, amount numeric(8, 2));
COMMIT;
BEGIN;
ALTER TABLE reports.price ALTER COLUMN amount TYPE numeric(12, 2);
