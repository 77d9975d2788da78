-- label: safe
-- why: A few rows of a catalogue of ours.
CREATE TABLE reports.kind (code text PRIMARY KEY, name_ja text NOT NULL, name_en text NOT NULL);
INSERT INTO reports.kind (code, name_ja, name_en) VALUES ('headcount', '人数', 'Headcount'), ('turnover', '離職率', 'Turnover');
UPDATE reports.kind SET name_en = 'Head count' WHERE code = 'headcount';
-- downgrade --
DROP TABLE reports.kind;
