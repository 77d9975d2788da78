"""What has to be filled in before a plan is made: kinds of parameters, how each is checked and said in words.

A value is checked by its form here; whether the thing it names may be touched is asked when planning."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.runbook.reading import Node, wrong

#: A source as triage names it: its network, and eight digits of the digest of the whole address.
SHORT_SOURCE: Final = re.compile(r"(?:\d{1,3}\.){3}x#[0-9a-f]{8}|[0-9a-f:]+::/48#[0-9a-f]{8}")
_WHOLE: Final = re.compile(r"[1-9]\d{0,17}")
_SESSIONS_OF: Final = re.compile(r"all|(?:tenant|account):[1-9]\d{0,17}")
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_TARGET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 :+./_-]{0,119}")
_TABLE: Final = re.compile(r"all|app\.[a-z][a-z0-9_]{0,60}")
_COLUMNS: Final = re.compile(
    r"nothing|[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){1,2}"
    r"(?:,[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){1,2}){0,99}"
)
_NUMBERS: Final = re.compile(r"all|[1-9]\d{0,17}(?:,[1-9]\d{0,17}){0,999}")
#: A block that nobody takes back ends by itself after a week at most.
_MINUTES_MAX: Final = 7 * 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a person (or a triage, from its facts) chooses before a plan can be made.

    `kind` is one of KINDS; `options` are the values of a `choice`; `default` stands for nothing given."""

    name: str
    kind: str
    title: Text
    help: Text
    options: tuple[str, ...] = ()
    default: str | None = None


class Unfit(ValueError):
    """A value that is not of its kind; `why` is what a form says beside the field."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def read_parameter(node: Node) -> Parameter:
    """One entry of `parameters:`. Raises ContentWrong."""
    kind = node.string("kind")
    if kind not in KINDS:
        raise wrong(f"{node.place}.kind", f"is no kind of parameter; there are {', '.join(KINDS)}")
    options = node.strings("options")
    if (kind == "choice") is not bool(options):
        raise wrong(f"{node.place}.options", "are for a `choice`, and a choice needs them")
    return Parameter(
        name=node.string("name"),
        kind=kind,
        title=node.text("title"),
        help=node.text("help"),
        options=options,
        default=node.find_string("default"),
    )


def check_value(parameter: Parameter, value: str, *, known: Mapping[str, Sequence[str]]) -> str:
    """The value in its one spelling. `known` holds the names of `part` and `index`. Raises Unfit."""
    if parameter.kind == "choice":
        return _one_of(value, parameter.options)
    if parameter.kind in known:
        return _one_of(value, known[parameter.kind])
    return KINDS[parameter.kind](value.strip())


def words_of(parameter: Parameter, value: str) -> dict[str, Text]:
    """What texts may say of it: `{name}`; of sessions `{name.title}`, and `{name.many}` of many people."""
    words = {parameter.name: Text(ja=value, en=value)}
    if parameter.kind != "sessions_of":
        return words
    noun, _, number = value.partition(":")
    titles = {
        "all": Text(ja="全テナントの全員", en="everybody of every tenant"),
        "tenant": Text(ja=f"テナント {number} の全員", en=f"everybody of tenant {number}"),
        "account": Text(ja=f"アカウント {number}", en=f"account {number}"),
    }
    words[f"{parameter.name}.title"] = titles[noun]
    if noun != "account":
        words[f"{parameter.name}.many"] = titles[noun]
    return words


def _one_of(value: str, names: Sequence[str]) -> str:
    if value in names:
        return value
    listed = " ".join(names) if len(names) <= 20 else f"{' '.join(names[:20])} …"
    raise Unfit(Text(ja=f"次のいずれかです: {listed}", en=f"one of: {listed}"))


def _whole(value: str) -> str:
    if _WHOLE.fullmatch(value):
        return value
    raise Unfit(Text(ja="1 以上の整数にしてください", en="must be a whole number from 1"))


def _moment(value: str) -> str:
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise Unfit(_NO_MOMENT) from error
    if found.tzinfo is None:
        raise Unfit(_NO_MOMENT)
    return value


_NO_MOMENT: Final = Text(
    ja="時差付きの日時にしてください(例: 2026-04-01 09:00:00.123456+00)",
    en="must be a moment with its offset, such as 2026-04-01 09:00:00.123456+00",
)


def _minutes(value: str) -> str:
    if _WHOLE.fullmatch(value) and int(value) <= _MINUTES_MAX:
        return value
    raise Unfit(
        Text(
            ja=f"1 から {_MINUTES_MAX} までの分数にしてください",
            en=f"must be minutes from 1 to {_MINUTES_MAX}",
        )
    )


def _sessions_of(value: str) -> str:
    if _SESSIONS_OF.fullmatch(value):
        return value
    raise Unfit(
        Text(
            ja="account:番号、tenant:番号、all のいずれかにしてください",
            en="must be account:NUMBER, tenant:NUMBER or all",
        )
    )


def _source(value: str) -> str:
    if SHORT_SOURCE.fullmatch(value):
        return value
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise Unfit(
            Text(
                ja="IP アドレスかネットワーク(例: 203.0.113.0/24)、または切り分けの示す短い形にしてください",
                en="must be an address, a network such as 203.0.113.0/24, or the short form of a triage",
            )
        ) from error
    is_one = network.num_addresses == 1
    return str(network.network_address) if is_one else str(network)


def _label(value: str) -> str:
    if _LABEL.fullmatch(value):
        return value
    raise Unfit(
        Text(
            ja="英数字と . _ - だけの 60 文字以内にしてください",
            en="must be up to 60 letters, digits, dots, dashes or underscores",
        )
    )


def _target(value: str) -> str:
    spelled = " ".join(value.split())
    if _TARGET.fullmatch(spelled):
        return spelled
    raise Unfit(
        Text(
            ja="latest、時刻、point:名前、before incident 12 のような時点です",
            en="a moment such as latest, a time, point:NAME or before incident 12",
        )
    )


def _table(value: str) -> str:
    if _TABLE.fullmatch(value):
        return value
    raise Unfit(
        Text(ja="app.person のような表の名前、または all です", en="a table such as app.person, or all")
    )


def _columns(value: str) -> str:
    spelled = ",".join(sorted(set(value.replace(" ", "").split(","))))
    if _COLUMNS.fullmatch(spelled):
        return spelled
    raise Unfit(
        Text(
            ja="app.person.nickname のような列か表の名前をカンマで区切るか、nothing です",
            en="columns or tables such as app.person.nickname with commas between, or nothing",
        )
    )


def _numbers(value: str) -> str:
    spelled = value.replace(" ", "")
    if _NUMBERS.fullmatch(spelled):
        return spelled
    raise Unfit(
        Text(
            ja="カンマで区切った番号(1000 個まで)、または all です",
            en="numbers with commas between, up to 1000 of them, or all",
        )
    )


#: Every kind with the check of its form; `part`, `index` and `choice` are compared with names.
KINDS: Final[Mapping[str, Callable[[str], str]]] = {
    "part": str,
    "index": str,
    "choice": str,
    "pid": _whole,
    "account": _whole,
    "moment": _moment,
    "minutes": _minutes,
    "sessions_of": _sessions_of,
    "source": _source,
    "label": _label,
    "whole": _whole,
    "target": _target,
    "table": _table,
    "numbers": _numbers,
    "columns": _columns,
}
