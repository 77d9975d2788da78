"""A company's history made up from a seed: migrations as teams write them, and code that fits each."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from tests.ops.release.world import (
    FRESH,
    AddColumn,
    AddTable,
    AddUnique,
    Broken,
    Code,
    DropColumn,
    DropNotNull,
    DropTable,
    Insert,
    Op,
    Rename,
    Select,
    SetCheck,
    SetNotNull,
    Site,
    Statement,
    Tables,
    Update,
    Value,
)

POINTERS: Final = ("model", "prompt", "index")
_STATES: Final = ("active", "leave", "left", "retired", "loaned")
FIRST: Final = AddTable(
    table="person",
    cols=(("name", "text", True, None), ("kana", "text", False, None), ("state", "text", True, "active")),
)


@dataclass(slots=True)
class Company:
    """`ops[n]` leads from revision n to n + 1; revision 0 has the first table."""

    name: str
    ops: list[Op] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    #: By pointer and version: the formats that it offers; by release, user and used: the format it needs.
    offers: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    formats: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _empty: dict[int, Tables] = field(default_factory=dict)

    def empty_at(self, revision: int) -> Tables:
        """Fresh tables of a revision, without rows."""
        if revision not in self._empty:
            db = Tables()
            FIRST.up(db)
            for op in self.ops[:revision]:
                op.up(db)
            db.gone.clear()
            self._empty[revision] = db
        return self._empty[revision].copy()

    def site_at(self, live: Code, revision: int) -> Site | None:
        """The site after its whole life up to `live`, on a schema that may be further on; None where the
        migrations themselves would not go through."""
        db = self.empty_at(0)
        codes = self.codes[: self.codes.index(live) + 1]
        try:
            for number in range(revision + 1):
                if number:
                    self.ops[number - 1].up(db)
                for code in codes:
                    if code.revision == number:
                        _live(code, db)
        except Broken:
            return None
        return Site(
            db=db,
            revision=revision,
            pages=live,
            apis=[live],
            pointers={name: live.versions[name] for name in POINTERS},
        )


def _live(code: Code, db: Tables) -> None:
    for _ in range(2):
        for statement in code.statements:
            statement.run(db)


def make_company(seed: int, *, releases: int = 8) -> Company:
    """Eight releases and as many schemas or a few less; the same seed gives the same company."""
    rng = random.Random(seed)  # noqa: S311  # a repeatable story, not a secret
    company = Company(name=f"seed {seed}")
    api: list[tuple[str, frozenset[str], frozenset[str]]] = [
        ("GET /people", frozenset(), frozenset({"name"})),
        ("POST /people", frozenset({"name"}), frozenset({"id"})),
    ]
    versions = {"web": "web-0", "api": "api-0", **{name: f"{name}-0" for name in POINTERS}}
    offered = {name: frozenset({"format-0"}) for name in POINTERS}
    for name in POINTERS:
        company.offers[(name, versions[name])] = offered[name]
    number = 0
    while len(company.codes) < releases:
        if number and rng.random() < 0.85:
            op = _make_op(rng, company)
            if op is None or not _goes_through(company, op):
                continue
            company.ops.append(op)
        if number:
            api = _change_api(rng, api)
            versions = _change_versions(rng, company, versions, number, api)
        company.codes.append(_make_code(rng, company, api, versions, number))
        number += 1
    _settle_copes(company)
    return company


def _goes_through(company: Company, op: Op) -> bool:
    trial = Company(name="", ops=[*company.ops, op], codes=list(company.codes))
    try:
        return trial.site_at(company.codes[-1], len(trial.ops)) is not None
    except (Broken, KeyError):
        return False


def _make_op(rng: random.Random, company: Company) -> Op | None:
    db = company.empty_at(len(company.ops))
    table = rng.choice(sorted(db.tables))
    cols = db.tables[table].cols
    column = rng.choice(sorted(cols))
    col, fresh = cols[column], f"c{len(company.ops)}"
    kind = rng.choices(
        ["nullable", "default", "state", "table", "drop", "rename", "tighten", "loosen", "unique", "widen",
         "narrow", "drop_table"],
        [26, 12, 8, 6, 16, 4, 8, 4, 4, 5, 3, 4],
    )[0]  # fmt: skip
    match kind:
        case "nullable":
            return AddColumn(table=table, column=fresh, type=rng.choice(["text", "int"]))
        case "default":
            return AddColumn(table=table, column=fresh, not_null=True, default="none")
        case "state":
            return AddColumn(table=table, column=fresh, check=frozenset(_STATES[:3]))
        case "table":
            return AddTable(table=f"t{len(company.ops)}", cols=(("title", "text", True, None),))
        case "drop" if len(cols) > 1:
            return DropColumn(
                table=table,
                column=column,
                type=col.type,
                not_null=col.not_null,
                default=col.default,
                check=db.tables[table].checks.get(column),
                is_unique=column in db.tables[table].uniques,
            )
        case "drop_table" if len(db.tables) > 1 and not (db.tables[table].checks or db.tables[table].uniques):
            shape = tuple((n, c.type, c.not_null, c.default) for n, c in cols.items())
            return DropTable(table=table, cols=shape)
        case "rename":
            return Rename(table=table, old=column, new=fresh)
        case "tighten" if not col.not_null:
            return SetNotNull(table=table, column=column, fill=0 if col.type == "int" else "active")
        case "loosen" if col.not_null:
            return DropNotNull(table=table, column=column)
        case "unique" if column not in db.tables[table].checks:
            return AddUnique(table=table, column=column)
        case "widen" | "narrow" if column in db.tables[table].checks:
            before = db.tables[table].checks[column]
            size = min(len(_STATES), len(before) + 1) if kind == "widen" else max(1, len(before) - 1)
            after = frozenset(_STATES[:size])
            return (
                SetCheck(table=table, column=column, before=before, after=after) if after != before else None
            )
    return None


def _make_code(
    rng: random.Random,
    company: Company,
    api: list[tuple[str, frozenset[str], frozenset[str]]],
    versions: dict[str, str],
    number: int,
) -> Code:
    revision = len(company.ops)
    name = f"r{number + 1}"
    copes: dict[tuple[str, str], frozenset[str]] = {}
    for used in POINTERS:
        wanted = rng.choice(sorted(company.offers[(used, versions[used])]))
        company.formats[(name, "api", used)] = wanted
        copes[("api", used)] = frozenset()
    for attempt in range(200):
        statements = _make_statements(rng, company.empty_at(revision))
        code = Code(
            name=name,
            revision=revision,
            statements=statements,
            calls=_choose_calls(rng, company, api, versions),
            serves=tuple(api),
            versions=dict(versions),
            copes=copes,
        )
        trial = Company(name="", ops=company.ops, codes=[*company.codes, code])
        if trial.site_at(code, revision) is not None or attempt == 199:
            break
    return code


def _settle_copes(company: Company) -> None:
    """What a release can work with is known when all versions are."""
    for code in company.codes:
        for (user, used), _ in list(code.copes.items()):
            wanted = company.formats[(code.name, user, used)]
            fine = frozenset(
                version
                for (what, version), formats in company.offers.items()
                if what == used and wanted in formats
            )
            code.copes[(user, used)] = fine  # type: ignore[index]


def _choose_calls(
    rng: random.Random,
    company: Company,
    api: list[tuple[str, frozenset[str], frozenset[str]]],
    versions: dict[str, str],
) -> tuple[tuple[str, frozenset[str], frozenset[str]], ...]:
    """What the pages ask for; the same pages as before ask for the same."""
    former = company.codes[-1] if company.codes else None
    if former is not None and former.versions["web"] == versions["web"]:
        return former.calls
    return tuple(call for call in api if rng.random() < 0.8)


def _make_statements(rng: random.Random, db: Tables) -> tuple[Statement, ...]:
    made: list[Statement] = []
    for table_name, table in sorted(db.tables.items()):
        if table_name != "person" and rng.random() < 0.25:
            continue
        values: list[tuple[str, Value]] = []
        for name, col in table.cols.items():
            must = col.not_null and col.default is None
            if not must and rng.random() < 0.45:
                continue
            values.append((name, _make_value(rng, table.checks.get(name), is_nullable=not col.not_null)))
        made.append(Insert(table=table_name, values=tuple(values)))
        read = tuple(name for name in table.cols if rng.random() < 0.55)
        knows = tuple(
            (name, table.checks[name]) for name in read if name in table.checks and rng.random() < 0.7
        )
        no_null = frozenset(name for name in read if table.cols[name].not_null and rng.random() < 0.7)
        if read:
            made.append(Select(table=table_name, columns=read, knows=knows, no_null=no_null))
        if rng.random() < 0.4:
            name = rng.choice(sorted(table.cols))
            nullable = not table.cols[name].not_null
            value = _make_value(rng, table.checks.get(name), is_nullable=nullable)
            made.append(Update(table=table_name, column=name, value=value))
    return tuple(made)


def _make_value(rng: random.Random, allowed: frozenset[Value] | None, *, is_nullable: bool) -> Value:
    if is_nullable and rng.random() < 0.15:
        return None
    if allowed is not None:
        return rng.choice(sorted(allowed, key=str))
    return FRESH


def _change_api(
    rng: random.Random, api: list[tuple[str, frozenset[str], frozenset[str]]]
) -> list[tuple[str, frozenset[str], frozenset[str]]]:
    changed = list(api)
    chance, number = rng.random(), len(api)
    if chance < 0.35:
        changed.append((f"GET /new{rng.randrange(1000)}", frozenset(), frozenset({"id"})))
    elif chance < 0.42 and number > 1:
        changed.pop(rng.randrange(number))
    elif chance < 0.50:
        at = rng.randrange(number)
        name, asks, answers = changed[at]
        changed[at] = (name, asks | {f"f{rng.randrange(100)}"}, answers)
    elif chance < 0.65:
        at = rng.randrange(number)
        name, asks, answers = changed[at]
        changed[at] = (name, asks, answers | {f"a{rng.randrange(100)}"})
    return changed


def _change_versions(
    rng: random.Random,
    company: Company,
    versions: dict[str, str],
    number: int,
    api: list[tuple[str, frozenset[str], frozenset[str]]],
) -> dict[str, str]:
    changed = {**versions, "web": f"web-{number}", "api": f"api-{number}"}
    offered = {name: (asks, answers) for name, asks, answers in api}
    # Pages stay as they were where they still work: what does not work with itself is never released.
    if rng.random() < 0.1 and all(
        name in offered and offered[name][0] <= sends and wants <= offered[name][1]
        for name, sends, wants in company.codes[-1].calls
    ):
        changed["web"] = versions["web"]
    for name in POINTERS:
        if rng.random() < 0.25:
            changed[name] = f"{name}-{number}"
            former = company.offers[(name, versions[name])]
            newest = f"format-{number}"
            # Most new versions still speak the former format for a while.
            company.offers[(name, changed[name])] = (
                former
                if rng.random() < 0.5
                else frozenset({newest}) | (former if rng.random() < 0.6 else set())
            )
    return changed
