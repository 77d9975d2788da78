"""Whether going back is safe, found by doing it: every order of steps on a copy of the site, with every part
at work after each step. It shares no rule with the planner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.ops.release.world import Broken, Code, Op, Site, Tables

POINTERS = ("model", "prompt", "index")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Releases in their order, the migrations (ops[n] leads from revision n to n + 1), the site as it is."""

    ops: Sequence[Op]
    site: Site
    live: Code
    to: Code


@dataclass(slots=True)
class Trial:
    """One way, tried: what broke on the way that was not broken before, and which values were gone after."""

    broke: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)

    @property
    def is_safe(self) -> bool:
        return not self.broke


Step = tuple[str, ...]


def try_steps(situation: Situation, steps: Sequence[Step], *, is_partial: bool = False) -> Trial:
    """Do these steps one by one. A step is `("api",)`, `("web",)`, `("web", "api")`, pointers,
    `("schema", n)`, `("close",)` or `("open",)`."""
    site = _copy(situation.site)
    trial = Trial()
    already = set(site.list_errors())
    # Whoever serves goes on writing until it is stopped.
    for step in steps:
        _do(situation, site, step, trial, already)
        if trial.broke:
            return trial
        _look(site, trial, already, step)
    left = set(site.list_errors())
    if is_partial:
        left -= already
    trial.broke += [f"end: {who}: {what}" for who, what in left]
    return trial


def _look(site: Site, trial: Trial, already: set[tuple[str, str]], step: Step) -> None:
    trial.broke += [f"{step}: {who}: {what}" for who, what in set(site.list_errors()) - already]


def _do(situation: Situation, site: Site, step: Step, trial: Trial, already: set[tuple[str, str]]) -> None:
    to = situation.to
    if step == ("close",):
        site.is_closed = True
    elif step == ("open",):
        site.is_closed, site.apis = False, [to]
    elif "api" in step:
        site.apis = [*(one for one in site.apis if one.name != to.name), to]
        site.in_pairs = "web" in step
        _look(site, trial, already, (*step, "side by side"))
        site.apis, site.in_pairs = [to], False
        if "web" in step:
            site.pages = to
    elif "web" in step:
        site.pages = to
    elif step[0] == "schema":
        _go_down(situation, site, int(step[1]), trial)
    else:
        for name in step:
            site.pointers[name] = to.versions[name]


def _go_down(situation: Situation, site: Site, revision: int, trial: Trial) -> None:
    for number in range(site.revision - 1, revision - 1, -1):
        before = _list_values(site.db)
        op = situation.ops[number]
        try:
            op.down(site.db)
        except Broken as error:
            trial.broke.append(f"schema: {error}")
            return
        after = _list_values(site.db)
        trial.lost |= _find_lost(before, after)
        # What went with a migration comes back as nothing: its values are lost to whoever reads it.
        trial.lost |= {name for name in after if name not in before and name in site.db.gone}
    site.revision = revision


def _list_values(db: Tables) -> dict[str, list[object]]:
    return {
        f"app.{name}.{column}": [row[column] for row in table.rows]
        for name, table in db.tables.items()
        for column in table.cols
    }


def _find_lost(before: dict[str, list[object]], after: dict[str, list[object]]) -> set[str]:
    """Columns whose values are nowhere any more. A renamed column still has them."""
    there = [values for name, values in after.items() if name not in before]
    return {
        name
        for name, values in before.items()
        if name not in after and any(value is not None for value in values) and values not in there
    }


def _copy(site: Site) -> Site:
    return Site(
        db=site.db.copy(),
        revision=site.revision,
        pages=site.pages,
        apis=list(site.apis),
        pointers=dict(site.pointers),
        is_closed=site.is_closed,
    )


def list_step_sets(situation: Situation, *, may_stop: bool) -> Iterator[tuple[Step, ...]]:
    """Every set of steps that leads to the target: each component alone or together with those that can move
    with it, the schema staying or going down to any revision, open or closed."""
    live, to = situation.live, situation.to
    moving = [name for name in ("web", "api", *POINTERS) if to.versions[name] != live.versions[name]]
    groups: list[list[Step]] = [[(name,) for name in moving]]
    if "web" in moving and "api" in moving:
        groups.append([("web", "api"), *((name,) for name in moving if name in POINTERS)])
    pointers = tuple(name for name in moving if name in POINTERS)
    for base in list(groups):
        for chosen in _list_joint(pointers):
            rest = [step for step in base if step[0] not in chosen]
            groups.append([*rest, chosen])
    downs: list[Step | None] = [None]
    downs += [("schema", str(n)) for n in range(situation.site.revision - 1, to.revision - 1, -1)]
    for group in groups:
        for down in downs:
            parts = (*group, *([down] if down else []))
            yield parts
            if may_stop and ("api",) in parts:
                yield (*(step for step in parts if step != ("api",)), ("close",), ("open",))


def _list_joint(pointers: tuple[str, ...]) -> list[Step]:
    if len(pointers) < 2:
        return []
    if len(pointers) == 2:
        return [pointers]
    return [pointers, *((one, two) for one in pointers for two in pointers if one < two)]


def find_safe_way(situation: Situation, *, may_lose: bool, may_stop: bool) -> tuple[Step, ...] | None:
    """Some order that breaks nothing (and loses nothing, unless that is allowed); None when there is none.

    Every order of every set is gone through; what begins as one that broke is not gone through again."""
    site = _copy(situation.site)
    already = set(site.list_errors())
    for steps in list_step_sets(situation, may_stop=may_stop):
        found = _walk(situation, site, steps, already=already, may_lose=may_lose)
        if found is not None:
            return found
    return None


def _walk(
    situation: Situation,
    site: Site,
    left: tuple[Step, ...],
    *,
    already: set[tuple[str, str]],
    may_lose: bool,
) -> tuple[Step, ...] | None:
    if not left:
        return () if not set(_copy(site).list_errors()) else None
    for number, step in enumerate(left):
        if step == ("open",) and ("close",) in left:
            continue
        after, trial = _copy(site), Trial()
        _do(situation, after, step, trial, already)
        if not trial.broke:
            _look(after, trial, already, step)
        if trial.broke or (trial.lost and not may_lose):
            continue
        rest = _walk(situation, after, left[:number] + left[number + 1 :], already=already, may_lose=may_lose)
        if rest is not None:
            return (step, *rest)
    return None
