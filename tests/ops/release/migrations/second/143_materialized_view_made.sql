-- label: safe
-- why: Nobody reads it yet, and its query lets everybody pass.
CREATE MATERIALIZED VIEW reports.by_grade AS SELECT e.grade, count(*) AS people FROM app.employee AS e GROUP BY e.grade;
-- downgrade --
DROP MATERIALIZED VIEW reports.by_grade;
