"""Who may see which people record, and the checks that span several rows.

One family of functions decides, and every later table uses the same: `app.person_access(person, day)`,
`app.my_line(day)`. Access is always judged by what is known *now* about the asked day; `as_known` changes
what a report shows, never who may read it.

Revision: 0004   Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The policy role reads through its own policies: with `true` in place of the tenant filter its functions
# neither recurse into the policies they serve nor lose their indexes (operators on ranges and lexemes are
# not leakproof, so PostgreSQL will not use an index for them underneath a row-level filter). Every function
# therefore names the tenant itself.
READ_THROUGH = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['person', 'person_version', 'employment_version', 'assignment',
                               'org_unit_version'] LOOP
    EXECUTE format('CREATE POLICY read_through ON app.%I FOR SELECT TO hrx_policy USING (true)', name);
  END LOOP;
END $$;
"""

ACCESS = """
-- The day the request asks about (its `as_of`); today unless it says otherwise.
CREATE FUNCTION app.asked_on() RETURNS date LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('hrx.as_of', true), '')::date, app.tenant_today()) $$;

CREATE FUNCTION app.asks_about_today() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('hrx.as_of', true), '') IS NULL
                   OR current_setting('hrx.as_of', true)::date = app.tenant_today(), false) $$;

-- A former employee whose account still works is no one's manager any more.
CREATE FUNCTION app.principal_is_employed() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT EXISTS (SELECT 1 FROM app.person AS p
                 WHERE p.id = app.current_person() AND p.tenant_id = app.current_tenant()
                   AND p.employed @> app.tenant_today())
$$;

-- Everybody below the principal on that day, over primary and concurrent posts. UNION ends at rings, which
-- concurrent posts may form (A leads B in one unit, B leads A in another). Uses assignment_under_manager.
CREATE FUNCTION app.my_line(on_date date) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 200 AS $$
  WITH RECURSIVE line (person_id) AS (
    SELECT a.person_id
    FROM app.assignment AS a
    WHERE a.manager_person_id = app.current_person()
      AND a.tenant_id = app.current_tenant()
      AND upper_inf(a.known) AND (a.valid @> on_date) IS TRUE
      AND app.principal_is_employed()
    UNION
    SELECT a.person_id
    FROM line
    JOIN app.assignment AS a ON a.manager_person_id = line.person_id
    WHERE a.tenant_id = app.current_tenant()
      AND upper_inf(a.known) AND (a.valid @> on_date) IS TRUE
  )
  SELECT person_id FROM line
$$;

-- The same question for one person, asked upwards: a chain is short where a line may be the whole company.
CREATE FUNCTION app.is_in_my_line(person bigint, on_date date) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH RECURSIVE chain (person_id) AS (
    SELECT a.manager_person_id
    FROM app.assignment AS a
    WHERE a.person_id = person AND a.tenant_id = app.current_tenant()
      AND upper_inf(a.known) AND (a.valid @> on_date) IS TRUE AND a.manager_person_id IS NOT NULL
    UNION
    SELECT a.manager_person_id
    FROM chain
    JOIN app.assignment AS a ON a.person_id = chain.person_id
    WHERE a.tenant_id = app.current_tenant()
      AND upper_inf(a.known) AND (a.valid @> on_date) IS TRUE AND a.manager_person_id IS NOT NULL
  )
  SELECT app.principal_is_employed() AND app.current_person() IN (SELECT person_id FROM chain)
$$;

-- full: oneself, owner, HR, auditor. line: somebody in whose chain of managers the principal stood that day.
-- directory: a colleague, today. NULL: nothing at all (another tenant, a stranger's past or future).
CREATE FUNCTION app.person_access(person bigint, on_date date) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT CASE
    WHEN app.sees_everyone() OR p.id = app.current_person() THEN 'full'
    WHEN app.is_in_my_line(p.id, on_date) THEN 'line'
    WHEN on_date = app.tenant_today() AND p.employed @> on_date THEN 'directory'
  END
  FROM app.person AS p
  WHERE p.id = person AND p.tenant_id = app.current_tenant()
$$;

-- People whose folded text holds what is asked, at most `at_most` of them; ids only, and a row-level filter
-- still decides which of these the caller sees. Uses person_search.
CREATE FUNCTION app.search_people(wanted tsquery, patterns text[], at_most integer) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 200 AS $$
  SELECT p.id
  FROM app.person AS p
  WHERE p.search_grams @@ wanted AND p.tenant_id = app.current_tenant()
    AND NOT EXISTS (SELECT 1 FROM unnest(patterns) AS term (pattern)
                    WHERE NOT p.search_text ~ term.pattern)
  LIMIT at_most
$$;

DO $$
DECLARE signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY['principal_is_employed()', 'my_line(date)', 'is_in_my_line(bigint, date)',
      'person_access(bigint, date)', 'search_people(tsquery, text[], integer)'] LOOP
    EXECUTE format('ALTER FUNCTION app.%s OWNER TO hrx_policy', signature);
    EXECUTE format('REVOKE ALL ON FUNCTION app.%s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION app.%s TO hrx_app', signature);
  END LOOP;
END $$;
"""

# Restrictive: they narrow what the tenant policy lets through. Cheap conditions come first; whatever does
# not depend on the row stands in a scalar subquery, so that it is worked out once a query, and my_line is a
# hashed subplan that is built only when a row gets that far.
SEEING = """
CREATE POLICY seen ON app.person AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone())
  OR id = (SELECT app.current_person())
  OR ((SELECT app.asks_about_today()) AND employed @> (SELECT app.tenant_today()))
  OR id IN (SELECT app.my_line((SELECT app.asked_on())))
);

CREATE POLICY seen ON app.person_private AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone()) OR person_id = (SELECT app.current_person())
);

-- Today's name is in the directory; an earlier one (before a marriage, say) is not.
CREATE POLICY seen ON app.person_version AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone())
  OR person_id = (SELECT app.current_person())
  OR (upper_inf(known) AND (SELECT app.asks_about_today()) AND valid @> (SELECT app.tenant_today()))
  OR (valid @> (SELECT app.asked_on()) AND person_id IN (SELECT app.my_line((SELECT app.asked_on()))))
);

CREATE POLICY seen ON app.employment_version AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone())
  OR person_id = (SELECT app.current_person())
  OR (employed @> (SELECT app.asked_on()) AND person_id IN (SELECT app.my_line((SELECT app.asked_on()))))
);

CREATE POLICY seen ON app.assignment AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone())
  OR person_id = (SELECT app.current_person())
  OR (upper_inf(known) AND (SELECT app.asks_about_today()) AND valid @> (SELECT app.tenant_today()))
  OR (valid @> (SELECT app.asked_on()) AND person_id IN (SELECT app.my_line((SELECT app.asked_on()))))
);

CREATE POLICY seen ON app.assignment_terms AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone())
  OR person_id = (SELECT app.current_person())
  OR (valid @> (SELECT app.asked_on()) AND person_id IN (SELECT app.my_line((SELECT app.asked_on()))))
);

-- Yesterday's structure is no secret; tomorrow's is, until it comes. Asking about a future day would tell by
-- absence which units close.
CREATE POLICY seen ON app.org_unit_version AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone())
  OR (upper_inf(known) AND lower(valid) <= (SELECT app.tenant_today())
      AND (SELECT app.asked_on() <= app.tenant_today()))
);

CREATE POLICY seen ON app.change_order AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  (SELECT app.sees_everyone())
  OR requested_by = (SELECT app.current_user_id())
  OR person_id = (SELECT app.current_person())
  OR person_id IN (SELECT app.my_line((SELECT app.tenant_today())))
);
"""

WRITING = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['person', 'person_private', 'person_version', 'employment',
      'employment_version', 'assignment', 'assignment_terms', 'org_unit', 'org_unit_version',
      'position', 'position_version'] LOOP
    EXECUTE format('CREATE POLICY written_by_hr ON app.%I AS RESTRICTIVE FOR INSERT TO hrx_app'
                   ' WITH CHECK ((SELECT app.may_write_people()))', name);
    EXECUTE format('CREATE POLICY changed_by_hr ON app.%I AS RESTRICTIVE FOR UPDATE TO hrx_app'
                   ' USING ((SELECT app.may_write_people()))'
                   ' WITH CHECK ((SELECT app.may_write_people()))', name);
  END LOOP;
END $$;

-- A manager proposes, for the line of today only; HR decides.
CREATE POLICY asked_by_hr_or_manager ON app.change_order AS RESTRICTIVE FOR INSERT TO hrx_app WITH CHECK (
  (SELECT app.may_write_people())
  OR (state = 'proposed' AND needs_second_person AND requested_by = (SELECT app.current_user_id())
      AND (SELECT app.has_role('manager'))
      AND kind IN ('transfer', 'concurrent_post', 'concurrent_end', 'departure')
      AND person_id IN (SELECT app.my_line((SELECT app.tenant_today()))))
);
CREATE POLICY decided_by_hr ON app.change_order AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.may_write_people())
         OR (requested_by = (SELECT app.current_user_id()) AND state = 'proposed'))
  WITH CHECK ((SELECT app.may_write_people())
              OR (requested_by = (SELECT app.current_user_id()) AND state = 'cancelled'));
"""

# `(range @> day) IS TRUE` and `kind <> 'concurrent'` keep the planner off the indexes of the exclusion
# constraints: on tables without statistics (a first load) it would read them whole for every person (measured
# on 100,000 people: minutes against 2 s).
#
# Checks that span rows run at commit, as the policy role, so that the writer's own limited sight cannot hide
# the row that would be contradicted. They rely on app.moment()'s lock: one writer a tenant.
CONSISTENCY = """
CREATE FUNCTION app.keep_employed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE app.person AS p
  SET employed = spells.employed, hired_on = spells.hired_on
  FROM (
    SELECT c.person_id,
           coalesce(range_agg(v.employed), '{}'::datemultirange) AS employed,
           max(lower(v.employed)) AS hired_on
    FROM (SELECT DISTINCT person_id FROM changed) AS c
    LEFT JOIN app.employment_version AS v ON v.person_id = c.person_id AND upper_inf(v.known)
    GROUP BY c.person_id
  ) AS spells
  WHERE p.id = spells.person_id
    AND (p.employed, p.hired_on) IS DISTINCT FROM (spells.employed, spells.hired_on);
  RETURN NULL;
END $$;
CREATE TRIGGER keep_employed_on_insert AFTER INSERT ON app.employment_version
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.keep_employed();
CREATE TRIGGER keep_employed_on_close AFTER UPDATE ON app.employment_version
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.keep_employed();

CREATE FUNCTION app.copy_terms_scope() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  SELECT a.tenant_id, a.person_id, a.valid INTO STRICT NEW.tenant_id, NEW.person_id, NEW.valid
  FROM app.assignment AS a
  WHERE a.id = NEW.assignment_id;
  RETURN NEW;
END $$;
CREATE TRIGGER copy_terms_scope BEFORE INSERT ON app.assignment_terms
  FOR EACH ROW EXECUTE FUNCTION app.copy_terms_scope();

-- All assignments of this transaction are checked together, when the first of them is due: one by one, a
-- bulk load spent 7 ms on each (measured), most of it walking the same chains again and again.
-- Only the first of them is queued for it.
CREATE FUNCTION app.is_first_unchecked() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF current_setting('hrx.assignments_unchecked', true) = 'yes' THEN
    RETURN false;
  END IF;
  PERFORM set_config('hrx.assignments_unchecked', 'yes', true);
  RETURN true;
END $$;

CREATE FUNCTION app.check_assignments() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  since timestamptz := current_setting('hrx.first_moment')::timestamptz;
  outside bigint;
  -- The chains above the new assignments, one step further in every round. Days are those on which all links
  -- so far hold at once; chains that meet again in one person are joined, or their number would multiply.
  starts bigint[];
  reached bigint[];
  days datemultirange[];
BEGIN
  PERFORM set_config('hrx.assignments_unchecked', 'no', true);

  SELECT a.id INTO outside
  FROM app.assignment AS a
  WHERE a.tenant_id = NEW.tenant_id AND lower(a.known) >= since AND upper_inf(a.known)
    AND NOT EXISTS (SELECT 1 FROM app.employment_version AS v
                    WHERE v.employment_id = a.employment_id AND upper_inf(v.known)
                      AND (v.employed @> a.valid) IS TRUE)
  LIMIT 1;
  IF outside IS NOT NULL THEN
    RAISE EXCEPTION 'assignment % lies outside its employment', outside
      USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_within_employment';
  END IF;

  SELECT array_agg(a.person_id), array_agg(a.manager_person_id), array_agg(a.valid::datemultirange)
  INTO starts, reached, days
  FROM app.assignment AS a
  WHERE a.tenant_id = NEW.tenant_id AND lower(a.known) >= since AND upper_inf(a.known)
    AND a.kind = 'primary' AND a.manager_person_id IS NOT NULL;
  FOR depth IN 1 .. 100 LOOP
    EXIT WHEN starts IS NULL;
    IF EXISTS (SELECT 1 FROM unnest(starts, reached) AS c (start, person) WHERE c.start = c.person) THEN
      RAISE EXCEPTION 'a chain of managers comes back to its beginning'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'manager_chain_has_no_ring';
    END IF;
    SELECT array_agg(next.start), array_agg(next.person), array_agg(next.days)
    INTO starts, reached, days
    FROM (
      SELECT c.start, a.manager_person_id AS person, range_agg(c.days * a.valid::datemultirange) AS days
      FROM unnest(starts, reached, days) AS c (start, person, days)
      JOIN app.assignment AS a ON a.person_id = c.person
      WHERE a.kind <> 'concurrent' AND upper_inf(a.known) AND a.manager_person_id IS NOT NULL
        AND (c.days && a.valid) IS TRUE
      GROUP BY c.start, a.manager_person_id
    ) AS next;
  END LOOP;
  IF starts IS NOT NULL THEN
    RAISE EXCEPTION 'a chain of managers is longer than 100'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'manager_chain_has_no_ring';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER check_assignments AFTER INSERT ON app.assignment
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (app.is_first_unchecked())
  EXECUTE FUNCTION app.check_assignments();

CREATE FUNCTION app.check_employment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM app.assignment AS a
             WHERE a.person_id = NEW.person_id AND a.employment_id = NEW.employment_id AND upper_inf(a.known)
               AND NOT EXISTS (SELECT 1 FROM app.employment_version AS v
                               WHERE v.employment_id = a.employment_id AND upper_inf(v.known)
                                 AND (v.employed @> a.valid) IS TRUE)) THEN
    RAISE EXCEPTION 'employment % ends before its assignments', NEW.employment_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_within_employment';
  END IF;
  RETURN NULL;
END $$;
-- An insert alone can only widen; what may orphan assignments is the closing of a version.
CREATE CONSTRAINT TRIGGER check_employment AFTER UPDATE ON app.employment_version
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.check_employment();

CREATE FUNCTION app.check_org_unit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (
    SELECT 1
    FROM app.org_unit_version AS child
    WHERE (child.org_unit_id = NEW.org_unit_id OR child.parent_id = NEW.org_unit_id)
      AND upper_inf(child.known) AND child.parent_id IS NOT NULL
      AND NOT EXISTS (
        SELECT 1
        FROM (SELECT range_agg(parent.valid) AS days FROM app.org_unit_version AS parent
              WHERE parent.org_unit_id = child.parent_id AND upper_inf(parent.known)) AS above
        WHERE above.days @> child.valid)
  ) THEN
    RAISE EXCEPTION 'org unit % or a unit below it would stand without its parent', NEW.org_unit_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'org_parent_is_there';
  END IF;
  IF upper_inf(NEW.known) AND NEW.parent_id IS NOT NULL AND EXISTS (
    WITH RECURSIVE chain (org_unit_id, days) AS (
      SELECT NEW.parent_id, NEW.valid
      UNION
      SELECT v.parent_id, v.valid * chain.days
      FROM chain
      JOIN app.org_unit_version AS v ON v.org_unit_id = chain.org_unit_id
      WHERE upper_inf(v.known) AND v.parent_id IS NOT NULL AND (v.valid && chain.days) IS TRUE
        AND chain.org_unit_id <> NEW.org_unit_id
    )
    SELECT 1
    FROM chain
    WHERE chain.org_unit_id = NEW.org_unit_id
      -- The row may have been closed again later in the same transaction.
      AND EXISTS (SELECT 1 FROM app.org_unit_version AS v WHERE v.id = NEW.id AND upper_inf(v.known))
  ) THEN
    RAISE EXCEPTION 'org unit % would stand below itself', NEW.org_unit_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'org_tree_has_no_ring';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER check_org_unit AFTER INSERT OR UPDATE ON app.org_unit_version
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.check_org_unit();

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['keep_employed', 'copy_terms_scope', 'check_assignments', 'check_employment',
                              'check_org_unit'] LOOP
    EXECUTE format('ALTER FUNCTION app.%I() OWNER TO hrx_policy', name);
  END LOOP;
END $$;
"""


def upgrade() -> None:
    for part in (READ_THROUGH, ACCESS, SEEING, WRITING, CONSISTENCY):
        op.execute(part)


def downgrade() -> None:
    for trigger, table in (
        ("check_org_unit", "org_unit_version"),
        ("check_employment", "employment_version"),
        ("check_assignments", "assignment"),
        ("copy_terms_scope", "assignment_terms"),
        ("keep_employed_on_close", "employment_version"),
        ("keep_employed_on_insert", "employment_version"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON app.{table}")
    op.execute(
        """
        DO $$
        DECLARE p record;
        BEGIN
          FOR p IN SELECT policyname, tablename FROM pg_policies
                   WHERE schemaname = 'app' AND policyname IN ('read_through', 'seen', 'written_by_hr',
                     'changed_by_hr', 'asked_by_hr_or_manager', 'decided_by_hr')
                     AND tablename IN ('person', 'person_private', 'person_version', 'employment',
                       'employment_version', 'assignment', 'assignment_terms', 'org_unit', 'org_unit_version',
                       'position', 'position_version', 'change_order') LOOP
            EXECUTE format('DROP POLICY %I ON app.%I', p.policyname, p.tablename);
          END LOOP;
        END $$
        """
    )
    for function in (
        "check_org_unit()",
        "check_employment()",
        "check_assignments()",
        "is_first_unchecked()",
        "copy_terms_scope()",
        "keep_employed()",
        "search_people(tsquery, text[], integer)",
        "person_access(bigint, date)",
        "is_in_my_line(bigint, date)",
        "my_line(date)",
        "principal_is_employed()",
        "asks_about_today()",
        "asked_on()",
    ):
        op.execute(f"DROP FUNCTION app.{function}")
