"""The labelled migrations of `corpus`: what each is, said before any rule was run over it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.ops.release.migrations.revisions import Revision, parse_acceptances

CORPUS: Final = Path(__file__).parent / "corpus"
#: Labelled after the rules and before their first run over it, which the gate was then mended by.
SECOND: Final = Path(__file__).parent / "second"
#: Labelled the same way after that; nothing was mended for these, and nothing may be.
HELD_OUT: Final = Path(__file__).parent / "held_out"
_DOWN: Final = "-- downgrade --\n"
_EMPLOYEE: Final = "id tenant_id department_id name email nickname grade salary status_note state created_at"
#: What releases that run, or may come back, read; setup.sql says so too.
READS: Final = frozenset(
    {"app.department.*", "app.review.*", "app.state_name.*", "app.employee_card.*", "app.headcount.*"}
    | {"reports.monthly.*"}
    | {f"app.employee.{column}" for column in _EMPLOYEE.split()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One labelled migration. `hazard` is the rule that names its danger, None when it is safe."""

    name: str
    is_dangerous: bool
    hazard: str | None
    why: str
    revision: Revision


def list_cases(folder: Path = CORPUS) -> list[Case]:
    """Every case of a folder, in order of their names."""
    return [_read(path) for path in sorted(folder.glob("[0-9]*.sql"))]


def read_setup() -> str:
    """The script of the schema that every case starts from."""
    return (CORPUS / "setup.sql").read_text()


def read_rows(people: int) -> str:
    """The script that fills it."""
    return (CORPUS / "rows.sql").read_text().replace("${people}", str(people))


def _read(path: Path) -> Case:
    text = path.read_text()
    said = dict(re.findall(r"^-- (label|hazard|why): (.*)$", text, flags=re.MULTILINE))
    up, _, down = text.partition(_DOWN)
    return Case(
        name=path.stem,
        is_dangerous=said["label"] == "dangerous",
        hazard=said.get("hazard"),
        why=said["why"],
        revision=Revision(
            id=path.stem,
            down_revision=None,
            path=str(path),
            title=said["why"],
            up=_wrap(up),
            # No way down given: it is not judged.
            down=_wrap(down) if down else None,
            accepts=parse_acceptances(text),
        ),
    )


def _wrap(script: str) -> str:
    """In a transaction, as env.py runs a revision; an empty one around an autocommit block is nothing."""
    return f"BEGIN;\n{script.rstrip()}\nCOMMIT;\n"
