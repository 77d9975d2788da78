"""People on two time axes: what was true on a day (`valid`), and what was known at a moment (`known`).

Nothing here is ever overwritten: a row's `known` range is closed and a new row is inserted, in one
transaction, at one moment. So a report asked for again `as_known` yesterday is the same to the byte.

Revision: 0003   Revises: 0002
"""

from alembic import op

# hrx: accept foreign-key-valid-at-once on app.user_account because no installation had rows yet
# hrx: accept index-not-concurrent on app.user_account because no installation had rows yet
# hrx: accept seen-stalled on app.tenant because no installation had rows yet
revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
declares_loss = (
    "app.assignment",
    "app.assignment_terms",
    "app.change_order",
    "app.employment",
    "app.employment_version",
    "app.knowledge_clock",
    "app.org_unit",
    "app.org_unit_version",
    "app.person",
    "app.person_private",
    "app.person_version",
    "app.position",
    "app.position_version",
)

# The knowledge moment. One row per tenant is locked by whoever records something, until commit: writers of
# one tenant take turns, so moments rise in the order of commits, and the checks of trees and chains below
# cannot be fooled by a neighbour's uncommitted row. Its value is also the version of all people data.
CLOCK = """
CREATE TABLE app.knowledge_clock (
  tenant_id bigint PRIMARY KEY DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  moment timestamptz NOT NULL
);
SELECT app.protect('knowledge_clock');
GRANT SELECT ON app.knowledge_clock TO hrx_app;
GRANT SELECT, INSERT, UPDATE ON app.knowledge_clock TO hrx_policy;

-- A fresh moment: later than every earlier one of this tenant even when the wall clock was set back.
-- Each action of a transaction takes its own, so that no row is closed at the moment that opened it.
CREATE FUNCTION app.new_moment() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  before timestamptz;
  fresh timestamptz;
BEGIN
  INSERT INTO app.knowledge_clock AS c (tenant_id, moment) VALUES (app.current_tenant(), clock_timestamp())
  ON CONFLICT (tenant_id) DO UPDATE
    SET moment = greatest(clock_timestamp(), c.moment + interval '1 microsecond')
  RETURNING old.moment, new.moment INTO before, fresh;
  PERFORM set_config('hrx.moment',
                     to_char(fresh AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00', true);
  IF coalesce(current_setting('hrx.first_moment', true), '') = '' THEN
    -- All that is known from here on was recorded by this transaction: nobody else of the tenant writes now.
    PERFORM set_config('hrx.first_moment', current_setting('hrx.moment'), true);
    -- The newest moment of everybody else: whoever planned ahead sees whether it still is what it was.
    PERFORM set_config('hrx.moment_before', coalesce(before::text, 'none'), true);
  END IF;
  RETURN fresh;
END $$;
ALTER FUNCTION app.new_moment() OWNER TO hrx_policy;
REVOKE ALL ON FUNCTION app.new_moment() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.new_moment() TO hrx_app;

-- The moment of the action under way; a new one when nobody has taken it yet in this transaction.
CREATE FUNCTION app.moment() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
DECLARE taken text := current_setting('hrx.moment', true);
BEGIN
  IF taken <> '' THEN RETURN taken::timestamptz; END IF;
  RETURN app.new_moment();
END $$;

-- On every table with a `known` range: rows are born known from this moment on, whatever the writer says;
-- the only update is to close that range now, once.
CREATE FUNCTION app.keep_knowledge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- A moment that is taken already is read here: calling app.moment() for every row costs twice this.
    NEW.known := tstzrange(
      coalesce(nullif(current_setting('hrx.moment', true), '')::timestamptz, app.moment()), NULL);
    RETURN NEW;
  END IF;
  IF NOT upper_inf(OLD.known) THEN
    RAISE EXCEPTION 'row % of % is history and cannot be changed', OLD.id, TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'history_is_closed';
  END IF;
  NEW.known := tstzrange(lower(OLD.known), app.moment());
  RETURN NEW;
END $$;

-- Days that people records may hold; '9999-12-31' and other stand-ins for "no end" are written as no bound.
CREATE FUNCTION app.is_sound_period(period daterange) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT NOT isempty(period) AND NOT lower_inf(period) AND lower(period) >= '1900-01-01'
          AND (upper_inf(period) OR upper(period) <= '2200-01-01') $$;

-- The days of a thing as a flat box, from its first day to its last at the height of its id: two of them
-- overlap exactly when ids are equal and days overlap. float8 holds both exactly (ids up to 2^53).
--
-- Exclusion constraints over boxes cost a quarter of those over three ranges (measured, 10,000 inserts:
-- 0.16 s against 0.63 s of CPU), because a box has a fixed length. They look at rows that are known now: a
-- row is born known from its moment on and is later only closed (keep_knowledge), so rows that never
-- overlapped while they were known do not overlap in the past either.
CREATE FUNCTION app.days_of(id bigint, days daterange) RETURNS box
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT box(point(id, coalesce((lower(days) - '2000-01-01'::date)::float8, '-3e9'::float8)),
              point(id, coalesce((upper(days) - '2000-01-01'::date - 1)::float8, '3e9'::float8))) $$;
"""

# Lexical search without pg_trgm: every character and every pair of neighbouring characters is a lexeme.
SEARCH = """
-- Measured 41 µs for 100 characters; with substr(), which counts characters from the start, 208 µs.
CREATE FUNCTION app.search_grams(folded text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  letters text[] := string_to_array(folded, NULL);
BEGIN
  RETURN array_to_tsvector(
    array_remove(letters, E'\\n')
    || ARRAY(SELECT a || b FROM unnest(letters, letters[2:]) AS pair (a, b)
             WHERE a <> E'\\n' AND b <> E'\\n'));
END $$;

CREATE FUNCTION app.keep_search_grams() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.search_grams := app.search_grams(NEW.search_text);
  RETURN NEW;
END $$;
"""

PEOPLE = """
CREATE TABLE app.person (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  -- Identity: never changed.
  employee_number text NOT NULL CHECK (char_length(employee_number) BETWEEN 1 AND 50),
  -- Today's names and e-mail; app.person_version keeps what they were. No kana, say, is empty text, not NULL.
  family_kanji text NOT NULL DEFAULT '' CHECK (char_length(family_kanji) <= 100),
  given_kanji text NOT NULL DEFAULT '' CHECK (char_length(given_kanji) <= 100),
  family_kana text NOT NULL DEFAULT '' CHECK (char_length(family_kana) <= 100),
  given_kana text NOT NULL DEFAULT '' CHECK (char_length(given_kana) <= 100),
  family_latin text NOT NULL DEFAULT '' CHECK (char_length(family_latin) <= 100),
  given_latin text NOT NULL DEFAULT '' CHECK (char_length(given_latin) <= 100),
  work_email text CHECK (work_email = lower(work_email) AND char_length(work_email) <= 254),
  -- Folded by employees/search.py whenever names, e-mail or number change; lines are fields.
  search_text text NOT NULL,
  -- app.search_grams(search_text); kept by a trigger, unless a bulk load brings them along.
  search_grams tsvector NOT NULL,
  -- Hiragana (else Latin letters, else kanji), so that ア and あ sort together; also by search.py.
  kana_key text COLLATE "C" NOT NULL,
  -- Digits sort as numbers: 9 before 10.
  number_key text COLLATE "C" GENERATED ALWAYS AS
    (CASE WHEN employee_number ~ '^[0-9]{1,20}$' THEN lpad(employee_number, 20, '0') ELSE employee_number END)
    STORED,
  -- Kept by a trigger from the employment spells as known now: who is listed, and since when.
  employed datemultirange NOT NULL DEFAULT '{}',
  hired_on date,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT person_has_a_name CHECK (family_kanji <> '' OR family_latin <> ''),
  CONSTRAINT person_number_is_unique UNIQUE (tenant_id, employee_number),
  CONSTRAINT person_email_is_unique UNIQUE (tenant_id, work_email),
  UNIQUE (tenant_id, id)
);
CREATE INDEX person_by_kana ON app.person (tenant_id, kana_key, id);
CREATE INDEX person_by_number ON app.person (tenant_id, number_key, id);
CREATE INDEX person_by_hire ON app.person (tenant_id, hired_on, id);
-- Measured for 5,000 inserts: 0.85 s with a pending list, 2.7 s without. Small, for every search reads it.
CREATE INDEX person_search ON app.person USING gin (search_grams)
  WITH (fastupdate = on, gin_pending_list_limit = 512);
-- Nobody may update grams by themselves, so they stay those of the text.
CREATE TRIGGER keep_search_grams BEFORE INSERT ON app.person
  FOR EACH ROW WHEN (NEW.search_grams IS NULL) EXECUTE FUNCTION app.keep_search_grams();
CREATE TRIGGER renew_search_grams BEFORE UPDATE OF search_text ON app.person
  FOR EACH ROW WHEN (NEW.search_text <> OLD.search_text) EXECUTE FUNCTION app.keep_search_grams();
SELECT app.protect('person');
GRANT SELECT, INSERT ON app.person TO hrx_app;
GRANT UPDATE (family_kanji, given_kanji, family_kana, given_kana, family_latin, given_latin,
              work_email, search_text, kana_key) ON app.person TO hrx_app;
GRANT UPDATE (employed, hired_on) ON app.person TO hrx_policy;
ALTER TABLE app.user_account ADD CONSTRAINT user_account_person_fkey
  FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id);
CREATE UNIQUE INDEX user_account_person ON app.user_account (person_id) WHERE person_id IS NOT NULL;

CREATE TABLE app.person_private (
  person_id bigint PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  birth_on date CHECK (birth_on BETWEEN '1868-01-25' AND '2200-01-01'),
  gender text CHECK (gender IN ('female', 'male', 'other', 'undisclosed')),
  personal_email text CHECK (char_length(personal_email) <= 254),
  personal_phone text CHECK (char_length(personal_phone) <= 40),
  postal_code text CHECK (char_length(postal_code) <= 16),
  prefecture text CHECK (char_length(prefecture) <= 100),
  city text CHECK (char_length(city) <= 200),
  line1 text CHECK (char_length(line1) <= 200),
  line2 text CHECK (char_length(line2) <= 200),
  updated_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id)
);
SELECT app.protect('person_private');
GRANT SELECT, INSERT, UPDATE ON app.person_private TO hrx_app;
"""

ORDERS = """
CREATE TABLE app.change_order (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  kind text NOT NULL CHECK (kind IN (
    'hire', 'transfer', 'concurrent_post', 'concurrent_end', 'departure', 'rehire', 'correction', 'import',
    'unit_create', 'unit_rename', 'unit_move', 'unit_head', 'unit_close', 'position_create')),
  state text NOT NULL CHECK (state IN ('proposed', 'reserved', 'applied', 'rejected', 'cancelled')),
  -- NULL while a proposed hire or unit has no row yet, and for imports.
  person_id bigint,
  org_unit_id bigint,
  effective_on date NOT NULL CHECK (effective_on BETWEEN '1900-01-01' AND '2200-01-01'),
  reason text NOT NULL DEFAULT '' CHECK (char_length(reason) <= 2000),
  -- What was asked, as the action's own input: an approval replays exactly this.
  payload jsonb NOT NULL DEFAULT '{}',
  -- What it changes, for people to read: [{"field", "before", "after"}].
  changes jsonb NOT NULL DEFAULT '[]',
  -- NULL for background work.
  requested_by bigint,
  requested_at timestamptz NOT NULL DEFAULT now(),
  needs_second_person boolean NOT NULL DEFAULT false,
  approved_by bigint,
  approved_at timestamptz,
  -- Who rejected or cancelled it, when and why.
  closed_by bigint,
  closed_at timestamptz,
  closing_note text NOT NULL DEFAULT '' CHECK (char_length(closing_note) <= 2000),
  applied_at timestamptz,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id),
  FOREIGN KEY (tenant_id, requested_by) REFERENCES app.user_account (tenant_id, id),
  FOREIGN KEY (tenant_id, approved_by) REFERENCES app.user_account (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_by) REFERENCES app.user_account (tenant_id, id),
  CONSTRAINT approver_is_not_requester CHECK (NOT needs_second_person OR approved_by <> requested_by),
  CONSTRAINT approved_before_it_counts CHECK (state NOT IN ('reserved', 'applied') OR approved_at IS NOT NULL)
);
CREATE INDEX change_order_newest ON app.change_order (tenant_id, id DESC);
CREATE INDEX change_order_of_person ON app.change_order (person_id, id DESC);
CREATE INDEX change_order_open ON app.change_order (tenant_id, state, effective_on)
  WHERE state IN ('proposed', 'reserved');
SELECT app.protect('change_order');
GRANT SELECT, INSERT ON app.change_order TO hrx_app;
GRANT UPDATE (state, person_id, org_unit_id, changes, approved_by, approved_at, closed_by, closed_at,
              closing_note, applied_at) ON app.change_order TO hrx_app;

CREATE FUNCTION app.keep_order_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
       ('proposed', 'reserved'), ('proposed', 'applied'), ('proposed', 'rejected'), ('proposed', 'cancelled'),
       ('reserved', 'applied'), ('reserved', 'cancelled')) THEN
    RAISE EXCEPTION 'a change order cannot go from % to %', OLD.state, NEW.state
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'order_state_moves_on';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_order_state BEFORE UPDATE ON app.change_order
  FOR EACH ROW EXECUTE FUNCTION app.keep_order_state();
"""

# Columns that every versioned row ends with: which order the facts come from, which order wrote this very
# row, and which closed it. The last two make a reservation exactly reversible.
_PROVENANCE = """
  -- Always given by keep_knowledge.
  known tstzrange NOT NULL CHECK (NOT isempty(known)),
  change_order_id bigint,
  opened_by bigint,
  closed_by bigint,
  FOREIGN KEY (tenant_id, change_order_id) REFERENCES app.change_order (tenant_id, id),
  FOREIGN KEY (tenant_id, opened_by) REFERENCES app.change_order (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_by) REFERENCES app.change_order (tenant_id, id)
"""

ORG = f"""
CREATE TABLE app.org_unit (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 50),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT org_unit_code_is_unique UNIQUE (tenant_id, code),
  UNIQUE (tenant_id, id)
);
ALTER TABLE app.change_order ADD FOREIGN KEY (tenant_id, org_unit_id) REFERENCES app.org_unit (tenant_id, id);

CREATE TABLE app.org_unit_version (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  org_unit_id bigint NOT NULL,
  name_ja text NOT NULL CHECK (char_length(name_ja) BETWEEN 1 AND 200),
  name_en text NOT NULL DEFAULT '' CHECK (char_length(name_en) <= 200),
  parent_id bigint CHECK (parent_id <> org_unit_id),
  kind text NOT NULL DEFAULT 'department'
    CHECK (kind IN ('company', 'headquarters', 'division', 'department', 'section', 'team', 'other')),
  head_person_id bigint,
  valid daterange NOT NULL CHECK (app.is_sound_period(valid)),
  {_PROVENANCE},
  FOREIGN KEY (tenant_id, org_unit_id) REFERENCES app.org_unit (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES app.org_unit (tenant_id, id),
  FOREIGN KEY (tenant_id, head_person_id) REFERENCES app.person (tenant_id, id),
  CONSTRAINT org_unit_versions_do_not_overlap EXCLUDE USING gist
    (app.days_of(org_unit_id, valid) WITH &&) WHERE (upper_inf(known))
);
CREATE INDEX org_unit_version_of_unit ON app.org_unit_version (org_unit_id);
CREATE INDEX org_unit_version_children ON app.org_unit_version (parent_id) WHERE upper_inf(known);
CREATE INDEX org_unit_version_heads ON app.org_unit_version (head_person_id) WHERE upper_inf(known);
CREATE INDEX org_unit_version_of_tenant ON app.org_unit_version (tenant_id);

CREATE TABLE app.position (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 50),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT position_code_is_unique UNIQUE (tenant_id, code),
  UNIQUE (tenant_id, id)
);

CREATE TABLE app.position_version (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  position_id bigint NOT NULL,
  title_ja text NOT NULL CHECK (char_length(title_ja) BETWEEN 1 AND 200),
  title_en text NOT NULL DEFAULT '' CHECK (char_length(title_en) <= 200),
  -- Order in lists, highest post first.
  rank integer NOT NULL DEFAULT 1000 CHECK (rank BETWEEN 0 AND 100000),
  valid daterange NOT NULL CHECK (app.is_sound_period(valid)),
  {_PROVENANCE},
  FOREIGN KEY (tenant_id, position_id) REFERENCES app.position (tenant_id, id),
  CONSTRAINT position_versions_do_not_overlap EXCLUDE USING gist
    (app.days_of(position_id, valid) WITH &&) WHERE (upper_inf(known))
);
CREATE INDEX position_version_of_position ON app.position_version (position_id);
CREATE INDEX position_version_of_tenant ON app.position_version (tenant_id);
"""

SPELLS = f"""
-- What the directory says of a person besides their assignments, by the day it counts from and by when it was
-- known; app.person carries today's for quick search and lists.
CREATE TABLE app.person_version (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  person_id bigint NOT NULL,
  family_kanji text NOT NULL DEFAULT '' CHECK (char_length(family_kanji) <= 100),
  given_kanji text NOT NULL DEFAULT '' CHECK (char_length(given_kanji) <= 100),
  family_kana text NOT NULL DEFAULT '' CHECK (char_length(family_kana) <= 100),
  given_kana text NOT NULL DEFAULT '' CHECK (char_length(given_kana) <= 100),
  family_latin text NOT NULL DEFAULT '' CHECK (char_length(family_latin) <= 100),
  given_latin text NOT NULL DEFAULT '' CHECK (char_length(given_latin) <= 100),
  work_email text CHECK (work_email = lower(work_email) AND char_length(work_email) <= 254),
  kana_key text COLLATE "C" NOT NULL,
  -- The first version of a person has no lower bound: the name was theirs before they came.
  valid daterange NOT NULL CHECK (NOT isempty(valid)),
  {_PROVENANCE},
  CONSTRAINT person_version_has_a_name CHECK (family_kanji <> '' OR family_latin <> ''),
  FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id),
  CONSTRAINT person_versions_do_not_overlap EXCLUDE USING gist
    (app.days_of(person_id, valid) WITH &&) WHERE (upper_inf(known))
);
CREATE INDEX person_version_of_person ON app.person_version (person_id);
CREATE INDEX person_version_by_kana ON app.person_version (tenant_id, kana_key, person_id);

-- A spell of employment; a rehire is a new spell. What is known of its days is in the versions.
CREATE TABLE app.employment (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  person_id bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, id, person_id),
  FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id)
);
CREATE INDEX employment_of_person ON app.employment (person_id);

CREATE TABLE app.employment_version (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  employment_id bigint NOT NULL,
  person_id bigint NOT NULL,
  kind text NOT NULL DEFAULT 'regular'
    CHECK (kind IN ('regular', 'fixed_term', 'part_time', 'temporary', 'executive', 'seconded', 'other')),
  -- First day to the day after the last one.
  employed daterange NOT NULL CHECK (app.is_sound_period(employed)),
  {_PROVENANCE},
  FOREIGN KEY (tenant_id, employment_id, person_id) REFERENCES app.employment (tenant_id, id, person_id),
  CONSTRAINT employments_of_a_person_do_not_overlap EXCLUDE USING gist
    (app.days_of(person_id, employed) WITH &&) WHERE (upper_inf(known))
);
CREATE INDEX employment_version_of_person ON app.employment_version (person_id);
CREATE INDEX employment_version_of_tenant ON app.employment_version (tenant_id);
CREATE UNIQUE INDEX one_version_of_an_employment ON app.employment_version (employment_id)
  WHERE upper_inf(known);

CREATE TABLE app.assignment (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  employment_id bigint NOT NULL,
  person_id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('primary', 'concurrent')),
  org_unit_id bigint NOT NULL,
  position_id bigint,
  manager_person_id bigint CHECK (manager_person_id <> person_id),
  valid daterange NOT NULL CHECK (app.is_sound_period(valid)),
  {_PROVENANCE},
  UNIQUE (tenant_id, id, person_id),
  FOREIGN KEY (tenant_id, employment_id, person_id) REFERENCES app.employment (tenant_id, id, person_id),
  FOREIGN KEY (tenant_id, org_unit_id) REFERENCES app.org_unit (tenant_id, id),
  FOREIGN KEY (tenant_id, position_id) REFERENCES app.position (tenant_id, id),
  FOREIGN KEY (tenant_id, manager_person_id) REFERENCES app.person (tenant_id, id),
  CONSTRAINT one_primary_assignment_at_a_time EXCLUDE USING gist
    (app.days_of(employment_id, valid) WITH &&) WHERE (kind = 'primary' AND upper_inf(known)),
  CONSTRAINT concurrent_posts_differ EXCLUDE USING gist
    (app.days_of(employment_id, valid) WITH &&,
     -- btree_gist is not at hand; a range of one number stands in for equality.
     int8range(org_unit_id, org_unit_id, '[]') WITH &&,
     int8range(coalesce(position_id, 0), coalesce(position_id, 0), '[]') WITH &&)
    WHERE (kind = 'concurrent' AND upper_inf(known))
);
CREATE INDEX assignment_of_person ON app.assignment (person_id);
CREATE INDEX assignment_in_unit ON app.assignment (tenant_id, org_unit_id);
CREATE INDEX assignment_recorded ON app.assignment (tenant_id, lower(known));
CREATE INDEX assignment_under_manager ON app.assignment (manager_person_id) WHERE upper_inf(known);
CREATE INDEX assignment_opened_by ON app.assignment (opened_by) WHERE opened_by IS NOT NULL;
CREATE INDEX assignment_closed_by ON app.assignment (closed_by) WHERE closed_by IS NOT NULL;

-- Grade and working share stand apart from the assignment because fewer people may read them, and
-- row-level security hides rows, not columns. `person_id` and `valid` are copied by a trigger.
CREATE TABLE app.assignment_terms (
  assignment_id bigint PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  person_id bigint NOT NULL,
  valid daterange NOT NULL,
  grade text CHECK (char_length(grade) BETWEEN 1 AND 50),
  fte numeric(4, 3) NOT NULL DEFAULT 1 CHECK (fte BETWEEN 0 AND 1),
  FOREIGN KEY (tenant_id, assignment_id, person_id) REFERENCES app.assignment (tenant_id, id, person_id)
);
"""

GRANTS = """
DO $$
DECLARE versioned text;
BEGIN
  FOREACH versioned IN ARRAY ARRAY['org_unit_version', 'position_version', 'person_version',
                                   'employment_version', 'assignment'] LOOP
    EXECUTE format('CREATE TRIGGER keep_knowledge BEFORE INSERT OR UPDATE ON app.%I'
                   ' FOR EACH ROW EXECUTE FUNCTION app.keep_knowledge()', versioned);
    EXECUTE format('SELECT app.protect(%L)', versioned);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE (known, closed_by) ON app.%I TO hrx_app', versioned);
  END LOOP;
END $$;
SELECT app.protect('org_unit'), app.protect('position'), app.protect('employment'),
       app.protect('assignment_terms');
GRANT SELECT, INSERT ON app.org_unit, app.position, app.employment, app.assignment_terms TO hrx_app;
-- A bulk load takes its ids beforehand, so that rows can refer to each other.
GRANT USAGE ON SEQUENCE app.person_id_seq, app.employment_id_seq, app.assignment_id_seq, app.org_unit_id_seq,
                        app.position_id_seq, app.change_order_id_seq TO hrx_app;
"""


def upgrade() -> None:
    for part in (CLOCK, SEARCH, PEOPLE, ORDERS, ORG, SPELLS, GRANTS):
        op.execute(part)


def downgrade() -> None:
    # Loses every person and their history: before this revision there was no place to keep them.
    op.execute("ALTER TABLE app.user_account DROP CONSTRAINT user_account_person_fkey")
    op.execute("DROP INDEX app.user_account_person")
    for table in [
        "assignment_terms",
        "assignment",
        "employment_version",
        "employment",
        "person_version",
        "position_version",
        "position",
        "org_unit_version",
        "change_order",
        "org_unit",
        "person_private",
        "person",
        "knowledge_clock",
    ]:
        op.execute(f"DROP TABLE app.{table} CASCADE")
    for function in [
        "keep_order_state()",
        "days_of(bigint, daterange)",
        "is_sound_period(daterange)",
        "keep_knowledge()",
        "moment()",
        "new_moment()",
        "keep_search_grams()",
        "search_grams(text)",
    ]:
        op.execute(f"DROP FUNCTION app.{function}")
