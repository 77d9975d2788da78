"""The organisation of the demo company: a maker of precision machines with a factory in the north.

`since` counts fiscal years of the history: 0 is there from the founding, 1 came a year after the history
begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

COMPANY_NAME: Final = "株式会社みなと精機"
COMPANY_NAME_EN: Final = "Minato Seiki Co., Ltd."
FOUNDED_ON: Final = date(1978, 10, 2)
ROOT: Final = "MS"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSpec:
    """One unit; `staff` is how many people work in it besides its head."""

    code: str
    name: str
    name_en: str
    parent: str | None
    kind: str
    site: str
    staff: int
    since: int = 0


#: code | name | English name | kind | site | staff | since; the parent is the code without its last part.
_SPEC: Final = """
MS-AUD|内部監査室|Internal Audit Office|department|yokohama|2
MS-PLN|経営企画部|Corporate Planning|department|yokohama|5
MS-ADM|管理本部|Administration|headquarters|yokohama|0
MS-ADM-HR|人事部|Human Resources|department|yokohama|0
MS-ADM-HR-1|採用課|Recruiting|section|yokohama|4
MS-ADM-HR-2|労務課|Labor Relations|section|yokohama|6
MS-ADM-FIN|経理部|Accounting and Finance|department|yokohama|0
MS-ADM-FIN-1|財務課|Treasury|section|yokohama|4
MS-ADM-FIN-2|会計課|Accounting|section|yokohama|6
MS-ADM-GA|総務部|General Affairs|department|yokohama|0
MS-ADM-GA-1|総務課|General Affairs Section|section|yokohama|6
MS-ADM-GA-2|情報システム課|Information Systems|section|yokohama|7
MS-SAL|営業本部|Sales|headquarters|yokohama|0
MS-SAL-E|東日本営業部|Sales, East Japan|department|yokohama|0
MS-SAL-E-1|第一営業課|Sales Section 1|section|yokohama|11
MS-SAL-E-2|第二営業課|Sales Section 2|section|yokohama|10
MS-SAL-W|西日本営業部|Sales, West Japan|department|osaka|0
MS-SAL-W-1|大阪営業課|Osaka Sales|section|osaka|9
MS-SAL-W-2|名古屋営業課|Nagoya Sales|section|osaka|7
MS-SAL-G|海外営業部|International Sales|department|yokohama|0|1
MS-SAL-G-1|アジア課|Asia|section|yokohama|5|1
MS-SAL-G-2|欧米課|Europe and Americas|section|yokohama|4|1
MS-ENG|技術本部|Engineering|headquarters|yokohama|0
MS-ENG-D|開発部|Development|department|yokohama|0
MS-ENG-D-1|機械設計課|Mechanical Design|section|yokohama|13
MS-ENG-D-2|電気制御課|Electrical Control|section|yokohama|11
MS-ENG-D-3|ソフトウェア課|Software|section|yokohama|11
MS-ENG-P|生産技術部|Production Engineering|department|yokohama|0
MS-ENG-P-1|工程設計課|Process Design|section|yokohama|8
MS-ENG-P-2|設備保全課|Equipment Maintenance|section|kitakami|7
MS-ENG-Q|品質保証部|Quality Assurance|department|yokohama|0
MS-ENG-Q-1|検査課|Inspection|section|kitakami|9
MS-ENG-Q-2|品質管理課|Quality Control|section|yokohama|7
MS-MFG|製造本部|Manufacturing|headquarters|kitakami|0
MS-MFG-Y|横浜工場|Yokohama Plant|division|yokohama|0
MS-MFG-Y-1|加工課|Machining|section|yokohama|17
MS-MFG-Y-2|組立課|Assembly|section|yokohama|17
MS-MFG-Y-3|資材課|Materials|section|yokohama|8
MS-MFG-K|北上工場|Kitakami Plant|division|kitakami|0
MS-MFG-K-1|第一加工課|Machining Section 1|section|kitakami|19
MS-MFG-K-2|第二加工課|Machining Section 2|section|kitakami|17
MS-MFG-K-3|組立課|Assembly|section|kitakami|18
MS-MFG-K-4|工場管理課|Plant Administration|section|kitakami|6
MS-OSK|大阪支社|Osaka Branch|division|osaka|0
MS-OSK-1|業務課|Operations|section|osaka|4
"""


def list_units() -> list[UnitSpec]:
    """Every unit, parents before their children."""
    units = [
        UnitSpec(
            code=ROOT,
            name=COMPANY_NAME,
            name_en=COMPANY_NAME_EN,
            parent=None,
            kind="company",
            site="yokohama",
            staff=0,
        )
    ]
    for line in _SPEC.strip().splitlines():
        code, name, name_en, kind, site, staff, *since = line.split("|")
        units.append(
            UnitSpec(
                code=code,
                name=name,
                name_en=name_en,
                parent=code.rpartition("-")[0],
                kind=kind,
                site=site,
                staff=int(staff),
                since=int(since[0]) if since else 0,
            )
        )
    return units


#: Titles in both languages with their order in lists.
POSITIONS: Final = (
    ("代表取締役社長", "President", 10),
    ("取締役本部長", "Director, Division Head", 20),
    ("支社長", "Branch Manager", 30),
    ("工場長", "Plant Manager", 30),
    ("部長", "General Manager", 40),
    ("室長", "Office Manager", 45),
    ("課長", "Manager", 50),
    ("係長", "Supervisor", 60),
    ("主任", "Chief", 70),
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
