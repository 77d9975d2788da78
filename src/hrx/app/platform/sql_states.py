"""What PostgreSQL's own error codes mean to people, where no constraint of ours says it better.

The names of the codes are in the appendix of PostgreSQL's manual; `problems` puts them into documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Conflict, Forbidden, HrxError, Invalid, Text, Unavailable

DISK_FULL: Final = Text(
    ja="サーバーのディスクに空きがないため、保存できませんでした。",
    en="The server's disk has no room left; nothing was saved.",
)
_OVERLOADED: Final = Text(
    ja="サーバーがいま変更を受け付けられないため、保存しませんでした。",
    en="The server cannot take changes right now; nothing was saved.",
)
_TOO_SLOW: Final = Text(
    ja="時間内に処理できませんでした。", en="It took too long and was stopped; nothing was saved."
)
ASK_FOR_ROOM: Final = Text(
    ja="ディスクの空き容量を管理者に確認してください。", en="Ask the administrator about free disk space."
)
BY_STATE: Final[Mapping[str, tuple[type[HrxError], str, Text]]] = {
    "23505": (
        Conflict,
        "already_exists",
        Text(ja="同じものがすでに登録されています。", en="It exists already."),
    ),
    "23P01": (
        Conflict,
        "overlap",
        Text(ja="期間がほかの記録と重なっています。", en="The period overlaps another record."),
    ),
    "23503": (
        Invalid,
        "unknown_reference",
        Text(ja="参照先が存在しません。", en="Something that this refers to does not exist."),
    ),
    "23514": (Invalid, "rule_broken", Text(ja="値が規則に合っていません。", en="A value breaks a rule.")),
    "23502": (Invalid, "value_missing", Text(ja="必要な値がありません。", en="A required value is missing.")),
    "42501": (
        Forbidden,
        "not_allowed",
        Text(ja="この変更を行う権限がありません。", en="You may not make this change."),
    ),
    "40001": (
        Conflict,
        "concurrent_change",
        Text(
            ja="同時に変更されたため、保存しませんでした。",
            en="It was changed at the same time; nothing was saved.",
        ),
    ),
    "40P01": (
        Conflict,
        "concurrent_change",
        Text(
            ja="同時に変更されたため、保存しませんでした。",
            en="It was changed at the same time; nothing was saved.",
        ),
    ),
    "55P03": (
        Conflict,
        "busy",
        Text(
            ja="ほかの人が変更中のため、保存しませんでした。",
            en="Someone else is changing it; nothing was saved.",
        ),
    ),
    "53100": (Unavailable, "database.disk_full", DISK_FULL),
    "53200": (Unavailable, "database.overloaded", _OVERLOADED),
    "53400": (Unavailable, "database.overloaded", _OVERLOADED),
    "58030": (Unavailable, "database.disk_failed", DISK_FULL),
    # Our own server says so while a standby takes over.
    "25006": (Unavailable, "database.read_only", _OVERLOADED),
    "25P03": (Unavailable, "database.too_slow", _TOO_SLOW),
    "57014": (
        Unavailable,
        "database.too_slow",
        _TOO_SLOW,
    ),
}
