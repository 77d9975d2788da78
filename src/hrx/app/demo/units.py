"""The organisation of the demo company: a maker of precision machines with a factory in the north.

`since` counts fiscal years of the history: 0 is there from the founding, 1 came a year after the history
begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

COMPANY_NAME: Final = "株式会社みなと精機"
FOUNDED_ON: Final = date(1978, 10, 2)
ROOT: Final = "MS"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSpec:
    """One unit; `staff` is how many people work in it besides its head."""

    code: str
    name: str
    parent: str | None
    kind: str
    site: str
    staff: int
    since: int = 0


#: code | name | kind | site | staff | since; the parent is the code without its last part.
_SPEC: Final = """
MS-AUD|内部監査室|department|yokohama|2
MS-PLN|経営企画部|department|yokohama|5
MS-ADM|管理本部|headquarters|yokohama|0
MS-ADM-HR|人事部|department|yokohama|0
MS-ADM-HR-1|採用課|section|yokohama|4
MS-ADM-HR-2|労務課|section|yokohama|6
MS-ADM-FIN|経理部|department|yokohama|0
MS-ADM-FIN-1|財務課|section|yokohama|4
MS-ADM-FIN-2|会計課|section|yokohama|6
MS-ADM-GA|総務部|department|yokohama|0
MS-ADM-GA-1|総務課|section|yokohama|6
MS-ADM-GA-2|情報システム課|section|yokohama|7
MS-SAL|営業本部|headquarters|yokohama|0
MS-SAL-E|東日本営業部|department|yokohama|0
MS-SAL-E-1|第一営業課|section|yokohama|11
MS-SAL-E-2|第二営業課|section|yokohama|10
MS-SAL-W|西日本営業部|department|osaka|0
MS-SAL-W-1|大阪営業課|section|osaka|9
MS-SAL-W-2|名古屋営業課|section|osaka|7
MS-SAL-G|海外営業部|department|yokohama|0|1
MS-SAL-G-1|アジア課|section|yokohama|5|1
MS-SAL-G-2|欧米課|section|yokohama|4|1
MS-ENG|技術本部|headquarters|yokohama|0
MS-ENG-D|開発部|department|yokohama|0
MS-ENG-D-1|機械設計課|section|yokohama|13
MS-ENG-D-2|電気制御課|section|yokohama|11
MS-ENG-D-3|ソフトウェア課|section|yokohama|11
MS-ENG-P|生産技術部|department|yokohama|0
MS-ENG-P-1|工程設計課|section|yokohama|8
MS-ENG-P-2|設備保全課|section|kitakami|7
MS-ENG-Q|品質保証部|department|yokohama|0
MS-ENG-Q-1|検査課|section|kitakami|9
MS-ENG-Q-2|品質管理課|section|yokohama|7
MS-MFG|製造本部|headquarters|kitakami|0
MS-MFG-Y|横浜工場|division|yokohama|0
MS-MFG-Y-1|加工課|section|yokohama|17
MS-MFG-Y-2|組立課|section|yokohama|17
MS-MFG-Y-3|資材課|section|yokohama|8
MS-MFG-K|北上工場|division|kitakami|0
MS-MFG-K-1|第一加工課|section|kitakami|19
MS-MFG-K-2|第二加工課|section|kitakami|17
MS-MFG-K-3|組立課|section|kitakami|18
MS-MFG-K-4|工場管理課|section|kitakami|6
MS-OSK|大阪支社|division|osaka|0
MS-OSK-1|業務課|section|osaka|4
"""


def list_units() -> list[UnitSpec]:
    """Every unit, parents before their children."""
    units = [UnitSpec(code=ROOT, name=COMPANY_NAME, parent=None, kind="company", site="yokohama", staff=0)]
    for line in _SPEC.split():
        code, name, kind, site, staff, *since = line.split("|")
        units.append(
            UnitSpec(
                code=code,
                name=name,
                parent=code.rpartition("-")[0],
                kind=kind,
                site=site,
                staff=int(staff),
                since=int(since[0]) if since else 0,
            )
        )
    return units


#: Titles with their order in lists.
POSITIONS: Final = (
    ("代表取締役社長", 10),
    ("取締役本部長", 20),
    ("支社長", 30),
    ("工場長", 30),
    ("部長", 40),
    ("室長", 45),
    ("課長", 50),
    ("係長", 60),
    ("主任", 70),
)


def head_title(unit: UnitSpec) -> str:
    """What the head of a unit is called."""
    if unit.parent is None:
        return "代表取締役社長"
    if unit.kind == "headquarters":
        return "取締役本部長"
    for ending, title in (("支社", "支社長"), ("工場", "工場長"), ("室", "室長"), ("課", "課長")):
        if unit.name.endswith(ending):
            return title
    return "部長"
