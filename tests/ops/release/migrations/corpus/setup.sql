-- The schema that every case starts from: what earlier revisions made, and the rows of one big customer.
-- Releases that run, or may come back, read all columns but app.employee.legacy_code, and the view's.
CREATE SCHEMA app;
CREATE SCHEMA reports;
CREATE FUNCTION app.current_tenant() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 1::bigint $$;
CREATE FUNCTION app.protect(table_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE app.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_name);
  EXECUTE format('CREATE POLICY tenant_isolation ON app.%I USING (tenant_id = app.current_tenant())'
                 ' WITH CHECK (tenant_id = app.current_tenant())', table_name);
END $$;
CREATE TYPE app.employment_state AS ENUM ('active', 'leave', 'left');
CREATE TABLE app.department (
  id bigint PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  name text NOT NULL
);
SELECT app.protect('department');
CREATE TABLE app.employee (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  department_id bigint,
  name text,
  email text,
  nickname varchar(100),
  grade integer NOT NULL DEFAULT 1,
  salary bigint,
  status_note text,
  legacy_code text,
  state app.employment_state NOT NULL DEFAULT 'active',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT department_filled CHECK (department_id IS NOT NULL)
);
CREATE INDEX employee_by_department ON app.employee (department_id);
SELECT app.protect('employee');
CREATE TABLE app.review (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  employee_id bigint NOT NULL,
  score integer NOT NULL
);
SELECT app.protect('review');
CREATE TABLE app.state_name (
  state app.employment_state PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  name text NOT NULL
);
SELECT app.protect('state_name');
CREATE TABLE reports.monthly (month date PRIMARY KEY, headcount bigint NOT NULL);
CREATE VIEW app.employee_card AS SELECT e.id, e.name, e.grade FROM app.employee AS e;
CREATE MATERIALIZED VIEW app.headcount AS
SELECT e.department_id, count(*) AS people, sum(length(md5(e.name))) AS weight
FROM app.employee AS e
GROUP BY e.department_id;
CREATE UNIQUE INDEX headcount_by_department ON app.headcount (department_id);
