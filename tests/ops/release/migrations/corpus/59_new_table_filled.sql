-- label: safe
-- why: A short list into a table that nobody uses yet.
CREATE TABLE reports.colour (code text PRIMARY KEY, label text NOT NULL);
INSERT INTO reports.colour (code, label) VALUES ('red', '赤'), ('blue', '青');
-- downgrade --
DROP TABLE reports.colour;
