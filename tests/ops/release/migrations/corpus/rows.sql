-- Rows of the rehearsed database; ${people} is how many employees. Run as a superuser, who passes the walls.
INSERT INTO app.department (id, name) SELECT n, '第' || n || '課' FROM generate_series(1, 40) AS n;
INSERT INTO app.employee (department_id, name, email, nickname, salary, legacy_code)
SELECT 1 + n % 40, '従業員 ' || n, 'e' || n || '@minato-seiki.example', 'n' || n, 3000000 + n, 'L' || n
FROM generate_series(1, ${people}) AS n;
INSERT INTO app.review (employee_id, score) SELECT n, 1 + n % 5 FROM generate_series(1, ${people}) AS n;
INSERT INTO app.state_name (state, name) VALUES ('active', '在籍'), ('leave', '休職'), ('left', '退職');
INSERT INTO reports.monthly (month, headcount) VALUES ('2026-10-01', ${people});
REFRESH MATERIALIZED VIEW app.headcount;
