"""The lint of migrations: what it finds, what it lets pass, what an author may take upon themselves."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from hrx.ops.release.migrations.linting import lint_folder, lint_revisions, read_schema
from hrx.ops.release.migrations.revisions import (
    Revision,
    RevisionNotFound,
    RevisionsUnreadable,
    list_between,
    parse_acceptances,
    read_revisions,
)
from hrx.ops.release.migrations.rules import RULES
from hrx.ops.release.migrations.statements import read_statements
from tests.conftest import ROOT
from tests.ops.release.migrations.cases import READS, SECOND, Case, list_cases, read_setup

pytestmark = pytest.mark.req("R3.5-1")

#: The held-out set is for the benchmark alone: a test would be something to mend by.
CASES = [*list_cases(), *list_cases(SECOND)]


def found_in(
    up: str, *, down: str | None = None, source: str = "", reads: frozenset[str] | None = READS
) -> set[str]:
    """Rules with an open finding in a revision on the corpus's schema."""
    revision = Revision(
        id="x",
        down_revision=None,
        path="",
        title="",
        up=up,
        down=down,
        accepts=parse_acceptances(source),
    )
    report = lint_revisions([revision], reads=reads, schema=read_schema(read_setup()))
    return {found.rule.id for found in report.open_findings}


def in_transaction(*statements: str) -> str:
    return "BEGIN;\n" + ";\n".join(statements) + ";\nCOMMIT;\n"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_labelled_migration_is_judged_as_it_was_labelled(case: Case) -> None:
    report = lint_revisions([case.revision], reads=READS, schema=read_schema(read_setup()))
    rules = {found.rule.id for found in report.open_findings}
    if case.is_dangerous:
        assert case.hazard in rules, case.why
    else:
        assert rules == set(), case.why


def test_the_corpus_is_large_and_names_only_rules_that_exist() -> None:
    assert len(CASES) >= 40
    assert sum(case.is_dangerous for case in CASES) >= 20
    assert sum(not case.is_dangerous for case in CASES) >= 20
    assert {case.hazard for case in CASES if case.hazard} <= RULES.keys()


def test_every_rule_speaks_both_languages_and_says_what_to_do() -> None:
    for rule in RULES.values():
        for text in (rule.why, rule.rewrite):
            assert text.en.strip()
            assert any(letter > "\u3000" for letter in text.ja) or text is rule.rewrite


def test_our_own_migrations_hold_and_what_was_accepted_is_shown() -> None:
    report = lint_folder(ROOT / "migrations")
    assert [f"{found.revision} {found.rule.id}: {found.statement}" for found in report.open_findings] == []
    assert {(found.revision, found.rule.id) for found in report.accepted_findings} == {
        ("0002", "index-not-concurrent"),
        ("0003", "foreign-key-valid-at-once"),
        ("0003", "index-not-concurrent"),
        ("0006", "index-not-concurrent"),
        ("0015", "check-valid-at-once"),
    }
    assert all(one.revision.up for one in report.revisions)


def test_an_accepted_finding_is_kept_with_its_reason_and_one_without_a_reason_is_a_finding() -> None:
    index = in_transaction("CREATE INDEX i ON app.employee (name)")
    accept = "# hrx: accept index-not-concurrent on app.employee"
    assert found_in(index) == {"index-not-concurrent"}
    assert found_in(index, source=f"{accept} because the table holds forty rows") == set()
    assert found_in(index, source=accept) == {"index-not-concurrent", "accept-without-reason"}
    assert found_in(index, source=f"{accept} because ok") == {"index-not-concurrent", "accept-without-reason"}


def test_an_acceptance_is_for_its_table_and_rule_only_and_goes_when_the_finding_goes() -> None:
    index = in_transaction("CREATE INDEX i ON app.employee (name)")
    elsewhere = "# hrx: accept index-not-concurrent on app.review because it is small there"
    assert found_in(index, source=elsewhere) == {"index-not-concurrent", "accept-unused"}
    assert found_in(in_transaction("SELECT 1"), source=elsewhere) == {"accept-unused"}


def test_a_change_is_judged_by_the_schema_that_stood_before_it() -> None:
    made_and_indexed = in_transaction(
        "CREATE TABLE reports.x (id bigint PRIMARY KEY, y text)", "CREATE INDEX i ON reports.x (y)"
    )
    assert found_in(made_and_indexed) == set()
    assert found_in(in_transaction("CREATE INDEX i ON reports.x (y)")) == {"index-not-concurrent"}


def test_an_update_of_a_table_of_its_own_is_no_backfill_unless_others_wait_behind_it() -> None:
    made = "CREATE TABLE reports.x (id bigint PRIMARY KEY, employee_id bigint, y text)"
    filled = "UPDATE reports.x SET y = 'a'"
    assert found_in(in_transaction(made, filled)) == set()
    added = "ALTER TABLE app.employee ADD COLUMN z text"
    assert found_in(in_transaction(added, made, filled)) == {"change-then-data"}


def test_what_nobody_reads_may_go_and_without_knowing_it_may_not() -> None:
    drop = in_transaction("ALTER TABLE app.employee DROP COLUMN legacy_code")
    assert found_in(drop) == set()
    assert found_in(drop, reads=None) == {"column-dropped"}
    report = lint_revisions(
        [Revision(id="x", down_revision=None, path="", title="", up=drop, down=None)],
        reads=READS,
        schema=read_schema(read_setup()),
    )
    assert report.revisions[0].destroys == ("app.employee.legacy_code",)


def test_a_view_that_comes_back_in_the_same_transaction_is_no_loss() -> None:
    drop, make = "DROP VIEW app.employee_card", "CREATE VIEW app.employee_card AS SELECT 1 AS id"
    assert found_in(in_transaction(drop, make)) == set()
    assert found_in(in_transaction(drop) + in_transaction(make)) == {"object-dropped"}


def test_a_function_of_ones_own_is_as_stable_as_it_says() -> None:
    column = "ALTER TABLE app.employee ADD COLUMN z bigint DEFAULT app."
    stable = "CREATE FUNCTION app.one() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1'"
    volatile = "CREATE FUNCTION app.one() RETURNS bigint LANGUAGE sql AS 'SELECT 1'"
    assert found_in(in_transaction(stable, column + "one()")) == set()
    assert found_in(in_transaction(volatile, column + "one()")) == {"default-volatile"}
    assert found_in(in_transaction(column + "nobody_knows()")) == {"default-volatile"}


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE app.employee FROB COLUMN x;",
        "DO $$ BEGIN EXECUTE (SELECT said FROM app.orders); END $$;",
        "BEGIN;\nSELECT 1;\nALTER TABLE app.employee FROB;\nCOMMIT;",
    ],
)
def test_what_cannot_be_read_is_never_called_safe(script: str) -> None:
    assert found_in(script) == {"unreadable"}


def test_a_folder_without_a_lock_timeout_is_told_at_each_change_that_others_queue_behind(
    tmp_path: Path,
) -> None:
    folder = make_folder(tmp_path, up='op.execute("ALTER TABLE app.employee ADD COLUMN rank integer")')
    assert {found.rule.id for found in lint_folder(folder).open_findings} == {"lock-timeout-off"}
    (folder / "env.py").write_text("LOCK = \"SET lock_timeout = '5s'\"\n")
    assert lint_folder(folder).open_findings == ()


def test_a_way_down_that_does_nothing_or_refuses_is_found(tmp_path: Path) -> None:
    up = 'op.execute("CREATE TABLE reports.x (id bigint)")'
    for down in ("pass", 'op.execute("SELECT 1")', 'raise NotImplementedError("no")'):
        folder = make_folder(tmp_path, up=up, down=down)
        assert {found.rule.id for found in lint_folder(folder).open_findings} == {"downgrade-empty"}, down


def test_a_revision_that_must_ask_a_database_first_is_told_as_unreadable(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, up='op.get_bind().execute("SELECT 1").scalar()')
    assert {found.rule.id for found in lint_folder(folder).open_findings} == {"unreadable"}


def test_two_heads_and_broken_code_are_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, up="pass")
    (folder / "versions" / "b.py").write_text(REVISION.format(id="b", up="pass", down="pass"))
    with pytest.raises(RevisionsUnreadable) as refused:
        read_revisions(folder)
    assert refused.value.hint is not None
    (folder / "versions" / "b.py").write_text("def upgrade(:\n")
    with pytest.raises(RevisionsUnreadable):
        read_revisions(folder)


def test_the_revisions_between_two_are_those_after_the_first() -> None:
    revisions = read_revisions(ROOT / "migrations")
    assert [one.id for one in list_between(revisions, after="0007", until="0009")] == ["0008", "0009"]
    assert list_between(revisions, after=revisions[-1].id) == ()
    assert list_between(revisions, after=None)[0].id == "0001"
    with pytest.raises(RevisionNotFound):
        list_between(revisions, after="0009", until="0007")
    with pytest.raises(RevisionNotFound):
        list_between(revisions, after="9999")


REVISION = '''"""One change."""
from alembic import op
revision = "{id}"
down_revision = None
def upgrade() -> None:
    {up}
def downgrade() -> None:
    {down}
'''


def make_folder(home: Path, *, up: str, down: str = 'op.execute("DROP TABLE reports.x")') -> Path:
    """A folder of migrations with one revision in it."""
    folder = home / f"m{len(list(home.iterdir()))}"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text("")
    (folder / "versions" / "a.py").write_text(REVISION.format(id="a", up=up, down=down))
    if "lock_timeout" not in up and "ALTER" not in up:
        (folder / "env.py").write_text("# lock_timeout\n")
    return folder


def test_the_template_makes_a_revision_and_what_it_teaches_passes_the_gate(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    shutil.copy(ROOT / "alembic.ini", tmp_path)
    script = ScriptDirectory(str(tmp_path / "migrations"))
    made = script.generate_revision("9001", "Add kana", head="head")
    assert made is not None
    taught = Path(made.path).read_text()
    names = re.findall(r"^from (hrx\S+) import (.+)$", taught.replace("        from", "from"), re.MULTILINE)
    for module, imported in names:
        assert all(hasattr(importlib.import_module(module), name) for name in imported.split(", "))
    assert names
    assert lint_folder(tmp_path / "migrations").open_findings == ()
    accept = re.sub("RULE on app.table", "index-not-concurrent", taught)
    assert parse_acceptances(accept)[0].reason == "it holds forty rows"
    [index] = re.findall(r'op\.execute\("(CREATE INDEX [^"]+)"\)', taught)
    [added] = re.findall(r"^ +(ALTER TABLE .* NOT VALID)$", taught, re.MULTILINE)
    [validated] = re.findall(r"^ +(ALTER TABLE .* VALIDATE CONSTRAINT \w+)", taught, re.MULTILINE)
    steps = (
        f"SET lock_timeout = 0;{index};RESET lock_timeout;{in_transaction(added)}{in_transaction(validated)}"
    )
    assert found_in(steps) == set()
    assert found_in(in_transaction(added, validated)) == {"validated-in-same-transaction"}


def test_nothing_follows_the_references_that_keep_writers_of_busy_tables_waiting() -> None:
    """Migration 0013 made its first table with them, and writers of app.tenant waited for all the rest."""
    [documents] = [one for one in read_revisions(ROOT / "migrations") if one.id == "0013"]
    busy = re.compile(r"REFERENCES app\.(?:tenant|person|org_unit|user_account)\b")
    statements = [
        one.text for one in read_statements(documents.up or "") if "alembic_version" not in one.text
    ]
    first = next(number for number, text in enumerate(statements) if busy.search(text))
    assert first > len(statements) / 2
    assert all(busy.search(text) for text in statements[first:])
