"""What a restored copy is measured by, and outside effects that wait after a restore for a person's word.

`seam.integrity` gains what the people tables promise but cannot force. `gate.effects_hold` stops every job
(whatever leaves the product goes through one): the jobs of a restored moment may have been done since. Role
hrx_restore, where it exists, may bring rows back. Old code works on this schema; its workers do not know the
hold, so a copy is switched in with this release or a later one.

Revision: 0008   Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
declares_loss = ("gate.effects_hold",)

READ_THROUGH = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['employment', 'assignment_terms', 'change_order', 'data_import',
                              'knowledge_clock', 'position_version'] LOOP
    EXECUTE format('CREATE POLICY read_through ON app.%I FOR SELECT TO hrx_policy USING (true)', name);
  END LOOP;
END $$;
"""

# CREATE OR REPLACE keeps owner and grants. The first three rows are those of 0002.
_FIRST_RULES = """
SELECT 'audit.unlinked_entries'::text AS check_name,
       (SELECT count(*) FROM app.audit_entry AS e
        WHERE NOT EXISTS (SELECT FROM app.audit_link AS l WHERE l.entry_id = e.id)
          AND NOT EXISTS (SELECT FROM app.audit_pending AS p WHERE p.entry_id = e.id)) AS violations
UNION ALL
SELECT 'audit.head_behind_links',
       (SELECT count(*) FROM app.audit_head AS h
        WHERE h.seq <> (SELECT coalesce(max(l.seq), 0) FROM app.audit_link AS l
                        WHERE l.tenant_id = h.tenant_id))
UNION ALL
SELECT 'tenants.without_owner',
       (SELECT count(*) FROM app.tenant AS t
        WHERE t.is_active
          AND EXISTS (SELECT FROM app.user_account AS u WHERE u.tenant_id = t.id)
          AND NOT EXISTS (
            SELECT FROM app.user_role AS r
            JOIN app.user_account AS u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
            WHERE r.tenant_id = t.id AND r.role = 'owner' AND u.is_active))
"""

# Two rows of one thing that say something of the same day, and were known at the same moment.
_OVERLAP = """
SELECT '{table}.overlaps',
       (SELECT count(*) FROM app.{table} AS a JOIN app.{table} AS b
          ON b.{of} = a.{of} AND b.id > a.id AND b.{days} && a.{days} AND b.known && a.known{where})
"""
_OVERLAPS = (
    ("person_version", "person_id", "valid", ""),
    ("employment_version", "person_id", "employed", ""),
    ("assignment", "employment_id", "valid", " WHERE a.kind = 'primary' AND b.kind = 'primary'"),
    ("org_unit_version", "org_unit_id", "valid", ""),
    ("position_version", "position_id", "valid", ""),
)

# Rings are looked for on today's lines: who led whom in other years may well be the other way round.
_PEOPLE_RULES = """
SELECT 'person.employed_is_not_that_of_spells',
       (SELECT count(*) FROM app.person AS p
        LEFT JOIN (SELECT v.person_id, range_agg(v.employed) AS employed, max(lower(v.employed)) AS hired_on
                   FROM app.employment_version AS v WHERE upper_inf(v.known) GROUP BY v.person_id) AS s
          ON s.person_id = p.id
        WHERE (p.employed, p.hired_on)
              IS DISTINCT FROM (coalesce(s.employed, '{}'::datemultirange), s.hired_on))
UNION ALL
SELECT 'person.without_a_name_on_record',
       (SELECT count(*) FROM app.person AS p
        WHERE NOT EXISTS (SELECT FROM app.person_version AS v
                          WHERE v.person_id = p.id AND upper_inf(v.known)))
UNION ALL
SELECT 'employment.without_version',
       (SELECT count(*) FROM app.employment AS m
        WHERE NOT EXISTS (SELECT FROM app.employment_version AS v WHERE v.employment_id = m.id))
UNION ALL
SELECT 'assignment.outside_employment',
       (SELECT count(*) FROM app.assignment AS a
        WHERE upper_inf(a.known)
          AND NOT EXISTS (SELECT FROM app.employment_version AS v
                          WHERE v.employment_id = a.employment_id AND upper_inf(v.known)
                            AND (v.employed @> a.valid) IS TRUE))
UNION ALL
SELECT 'assignment_terms.not_those_of_the_assignment',
       (SELECT count(*) FROM app.assignment_terms AS t JOIN app.assignment AS a ON a.id = t.assignment_id
        WHERE (t.tenant_id, t.person_id, t.valid) IS DISTINCT FROM (a.tenant_id, a.person_id, a.valid))
UNION ALL
SELECT 'assignment.manager_ring',
       (WITH RECURSIVE today AS (
          SELECT a.person_id, a.manager_person_id FROM app.assignment AS a
          WHERE upper_inf(a.known) AND a.kind = 'primary' AND (a.valid @> current_date) IS TRUE
            AND a.manager_person_id IS NOT NULL
        ), line (start, person_id) AS (
          SELECT t.person_id, t.manager_person_id FROM today AS t
          UNION
          SELECT l.start, t.manager_person_id FROM line AS l JOIN today AS t ON t.person_id = l.person_id
        )
        SELECT count(*) FROM line AS l WHERE l.start = l.person_id)
UNION ALL
SELECT 'org_unit.without_parent',
       (SELECT count(*) FROM app.org_unit_version AS v
        WHERE upper_inf(v.known) AND v.parent_id IS NOT NULL
          AND (SELECT coalesce(range_agg(p.valid), '{}'::datemultirange) FROM app.org_unit_version AS p
               WHERE p.org_unit_id = v.parent_id AND upper_inf(p.known)) @> v.valid IS NOT TRUE)
UNION ALL
SELECT 'org_unit.ring',
       (WITH RECURSIVE today AS (
          SELECT v.org_unit_id, v.parent_id FROM app.org_unit_version AS v
          WHERE upper_inf(v.known) AND (v.valid @> current_date) IS TRUE AND v.parent_id IS NOT NULL
        ), line (start, org_unit_id) AS (
          SELECT t.org_unit_id, t.parent_id FROM today AS t
          UNION
          SELECT l.start, t.parent_id FROM line AS l JOIN today AS t ON t.org_unit_id = l.org_unit_id
        )
        SELECT count(*) FROM line AS l WHERE l.start = l.org_unit_id)
UNION ALL
SELECT 'change_order.applied_at_no_time',
       (SELECT count(*) FROM app.change_order AS o WHERE o.state = 'applied' AND o.applied_at IS NULL)
UNION ALL
SELECT 'knowledge.later_than_its_clock',
       (SELECT count(*) FROM (
          SELECT a.tenant_id, max(lower(a.known)) AS newest FROM app.assignment AS a GROUP BY 1
          UNION ALL
          SELECT v.tenant_id, max(lower(v.known)) FROM app.employment_version AS v GROUP BY 1
          UNION ALL
          SELECT v.tenant_id, max(lower(v.known)) FROM app.person_version AS v GROUP BY 1
        ) AS k LEFT JOIN app.knowledge_clock AS c ON c.tenant_id = k.tenant_id
        WHERE c.moment IS NULL OR k.newest > c.moment)
UNION ALL
SELECT 'data_import.under_way_without_file',
       (SELECT count(*) FROM app.data_import AS i
        WHERE i.state IN ('checking', 'committing') AND i.file_key IS NULL)
UNION ALL
SELECT 'user_account.password_of_unknown_form',
       (SELECT count(*) FROM app.user_account AS u WHERE u.password_hash !~ '^[$]argon2id[$]v=[0-9]+[$]')
UNION ALL
SELECT 'user_account.second_factor_without_secret',
       (SELECT count(*) FROM app.user_account AS u
        WHERE u.totp_confirmed_at IS NOT NULL AND u.totp_secret_sealed IS NULL)
UNION ALL
SELECT 'jobs.of_no_tenant',
       (SELECT count(*) FROM jobs.procrastinate_jobs AS j
        WHERE j.status IN ('todo', 'doing') AND j.args ? 'tenant_id'
          AND NOT EXISTS (SELECT FROM app.tenant AS t WHERE t.id = (j.args ->> 'tenant_id')::bigint))
"""

# One row while effects are held. `last_job_id`: the newest job that the restored moment knew.
HOLD = """
CREATE TABLE gate.effects_hold (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  held_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
  correlation_id text NOT NULL DEFAULT '' CHECK (char_length(correlation_id) <= 64),
  last_job_id bigint NOT NULL
);
GRANT SELECT, INSERT, DELETE ON gate.effects_hold TO hrx_policy;
GRANT UPDATE (status) ON jobs.procrastinate_jobs TO hrx_policy;
GRANT INSERT ON jobs.procrastinate_events TO hrx_policy;
GRANT USAGE ON SEQUENCE jobs.procrastinate_events_id_seq TO hrx_policy;

-- For the worker, which takes no job while this is true.
CREATE FUNCTION app.effects_are_held() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT EXISTS (SELECT FROM gate.effects_hold) $$;

-- True when it was not held before.
CREATE FUNCTION seam.hold_effects(why text, by_correlation text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO gate.effects_hold (reason, correlation_id, last_job_id)
  VALUES (left(why, 500), left(by_correlation, 64),
          coalesce((SELECT max(j.id) FROM jobs.procrastinate_jobs AS j), 0))
  ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;

CREATE FUNCTION seam.effects_hold()
RETURNS TABLE (held_at timestamptz, reason text, correlation_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT h.held_at, h.reason, h.correlation_id FROM gate.effects_hold AS h $$;

-- What waits, by kind: jobs of the restored moment (they may have been done since) and newer ones.
CREATE FUNCTION seam.list_held_effects()
RETURNS TABLE (task_name text, is_of_the_past boolean, jobs bigint, tenants bigint, oldest_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT j.task_name::text, j.id <= h.last_job_id, count(*), count(DISTINCT j.args ->> 'tenant_id'),
          min(e.at)
   FROM gate.effects_hold AS h
   JOIN jobs.procrastinate_jobs AS j ON j.status IN ('todo', 'doing')
   LEFT JOIN LATERAL (SELECT min(x.at) AS at FROM jobs.procrastinate_events AS x WHERE x.job_id = j.id) AS e
     ON true
   GROUP BY 1, 2 ORDER BY 1, 2 $$;

-- Lets jobs run again; gives how many of the past were dropped: none unless asked. NULL: nothing was held.
CREATE FUNCTION seam.release_effects(drops_past boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  until_job bigint;
  dropped bigint := 0;
BEGIN
  DELETE FROM gate.effects_hold AS h RETURNING h.last_job_id INTO until_job;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF drops_past THEN
    UPDATE jobs.procrastinate_jobs AS j
    SET status = CASE j.status WHEN 'todo' THEN 'cancelled' ELSE 'failed' END::jobs.procrastinate_job_status
    WHERE j.status IN ('todo', 'doing') AND j.id <= until_job;
    GET DIAGNOSTICS dropped = ROW_COUNT;
  END IF;
  RETURN dropped;
END $$;
"""

SIGNATURES = (
    "seam.hold_effects(text, text)",
    "seam.effects_hold()",
    "seam.list_held_effects()",
    "seam.release_effects(boolean)",
)

# A database elsewhere may not have the roles yet; whoever makes them grants these lines as well.
GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hrx_repair') THEN
    GRANT EXECUTE ON FUNCTION {signatures} TO hrx_repair;
  END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(READ_THROUGH)
    overlaps = [_OVERLAP.format(table=t, of=of, days=days, where=where) for t, of, days, where in _OVERLAPS]
    _replace_integrity("UNION ALL".join((_FIRST_RULES, _PEOPLE_RULES, *overlaps)))
    op.execute(HOLD)
    for signature in ("app.effects_are_held()", *SIGNATURES):
        op.execute(f"ALTER FUNCTION {signature} OWNER TO hrx_policy")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION app.effects_are_held() TO hrx_app")
    op.execute(GRANTS.format(signatures=", ".join(SIGNATURES)))


def _replace_integrity(rules: str) -> None:
    op.get_bind().exec_driver_sql(f"CREATE OR REPLACE VIEW seam.integrity AS {rules}")


def downgrade() -> None:
    # Loses the hold: what was held runs at once.
    for signature in (*SIGNATURES, "app.effects_are_held()"):
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DROP TABLE gate.effects_hold")
    op.execute("REVOKE USAGE ON SEQUENCE jobs.procrastinate_events_id_seq FROM hrx_policy")
    op.execute("REVOKE INSERT ON jobs.procrastinate_events FROM hrx_policy")
    op.execute("REVOKE UPDATE (status) ON jobs.procrastinate_jobs FROM hrx_policy")
    _replace_integrity(_FIRST_RULES)
    for table in (
        "employment",
        "assignment_terms",
        "change_order",
        "data_import",
        "knowledge_clock",
        "position_version",
    ):
        op.execute(f"DROP POLICY read_through ON app.{table}")
