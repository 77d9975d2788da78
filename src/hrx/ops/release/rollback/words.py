"""The planner's words, in both languages: what is wrong, what is lost, and what each step is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.fits import Fault, Problem
from hrx.ops.release.releases import Component
from hrx.ops.release.rollback.losing import Block, Blocked, Loss, LossKind

COMPONENTS: Final[Mapping[Component, Text]] = {
    Component.WEB: Text(ja="画面", en="web"),
    Component.API: Text(ja="API とワーカー", en="API and worker"),
    Component.SCHEMA: Text(ja="データベースのスキーマ", en="database schema"),
    Component.MODEL: Text(ja="モデル", en="models"),
    Component.PROMPT: Text(ja="プロンプト", en="prompts"),
    Component.INDEX: Text(ja="検索インデックス", en="search index"),
    Component.SETTINGS: Text(ja="設定", en="settings"),
}
_TOLD: Final = 6

# `{who}` is a release or `web r41`, `{what}` a column, rule, function or name.
_FAULTS: Final[Mapping[Fault, tuple[str, str]]] = {
    Fault.COLUMN_GONE: (
        "{who} は {what} を使いますが、もうありません",
        "{who} uses {what}, which is gone",
    ),
    Fault.TYPE_CHANGED: (
        "{what} の型が変わりました。{who} で動くことは確かめられていません",
        "the type of {what} changed, and nobody has shown that {who} copes",
    ),
    Fault.NOT_WRITABLE: (
        "{who} は {what} に書き込みますが、今は自動計算の列です",
        "{who} writes {what}, which the database computes now",
    ),
    Fault.VALUE_REQUIRED: (
        "{who} は {what} を入れずに行を追加しますが、今は必須です",
        "{who} adds rows without {what}, which is required now",
    ),
    Fault.NULL_REFUSED: (
        "{what} は今は必須です。{who} が空のまま書き込むおそれがあります",
        "{what} is required now, and {who} may write it empty",
    ),
    Fault.NULL_POSSIBLE: (
        "{what} は今は空でもよく、{who} は空の値を想定していません",
        "{what} may be empty now, which {who} has never met",
    ),
    Fault.DEFAULT_CHANGED: (
        "{what} の既定値が変わりました。{who} はその既定値に頼っています",
        "the default of {what} changed, on which {who} relies",
    ),
    Fault.RULE_ADDED: (
        "制約 {what} が加わりました。{who} の書き込みが拒否されるおそれがあります",
        "rule {what} was added and may refuse what {who} writes",
    ),
    Fault.RULE_GONE: (
        "制約 {what} が変わったか、なくなりました。{who} は未知の値に出会うおそれがあります",
        "rule {what} changed or is gone, so {who} may meet values it does not know",
    ),
    Fault.UNIQUE_GONE: (
        "一意制約 {what} が変わったか、なくなりました。{who} の書き込みがそれを使うおそれがあります",
        "unique rule {what} changed or is gone, and {who} may write by its help",
    ),
    Fault.FUNCTION_CHANGED: (
        "{who} は関数 {what} を呼びますが、もう同じ形ではありません",
        "{who} calls {what}, which is gone or answers differently",
    ),
    Fault.TESTS_FAILED: (
        "{who} のテストは今のスキーマで失敗しました",
        "the tests of {who} failed on this schema",
    ),
    Fault.SCHEMA_UNKNOWN: (
        "{who} が使う表の記録がなく、今のスキーマで動くか分かりません",
        "nobody recorded which tables {who} was tested on, so nothing shows that it runs on this schema",
    ),
    Fault.NOT_OFFERED: (
        "{who} は {what} を必要としますが、相手にありません",
        "{who} needs {what}, which its counterpart does not offer",
    ),
    Fault.NEVER_TOGETHER: (
        "{who} と {what} は一緒に試されたことがありません",
        "{who} and {what} were never tested together",
    ),
    Fault.MISSING: ("{who} に必要な {what} がありません", "{who} needs {what}, and there is none"),
    Fault.NOT_ON_RECORD: (
        "{who} が動いていますが記録がなく、途中の状態で動き続けるか分かりません",
        "{who} runs and is not on record, so nothing shows that it copes on the way",
    ),
}
_BLOCKS: Final[Mapping[Block, tuple[str, str]]] = {
    Block.NOT_BELOW: (
        "今のスキーマからリビジョン {what} へ下る道がありません",
        "revision {what} does not lie below the present schema",
    ),
    Block.NO_DOWNGRADE: (
        "マイグレーション {what} には元に戻す手順がありません",
        "migration {what} has no downgrade",
    ),
    Block.NEVER_TRIED: (
        "マイグレーション {what} の downgrade は一度も試されていません",
        "the downgrade of migration {what} was never tried",
    ),
    Block.TABLES_UNKNOWN: (
        "リビジョン {what} の表の記録がありません",
        "nobody recorded the tables of revision {what}",
    ),
    Block.ROWS_IN_THE_WAY: (
        "{what} を満たさない行がないことを確認できていません",
        "nobody has counted that no row breaks {what}, which the older schema demands",
    ),
    Block.NO_BACKUP: (
        "確認済みの新しいバックアップがありません(失われるデータがあります)",
        "there is no fresh verified backup, and data would be lost",
    ),
    Block.LOSES_UNDECLARED: (
        "{what} の値が失われます。失ってよいと示されていません",
        "values of {what} would be lost, and nobody agreed to that",
    ),
}


def say_problem(problem: Problem) -> Text:
    ja, en = _FAULTS[problem.fault]
    values = {"who": problem.who, "what": problem.subject}
    return Text(ja=ja.format(**values), en=en.format(**values))


def say_blocked(blocked: Blocked) -> Text:
    ja, en = _BLOCKS[blocked.block]
    return Text(ja=ja.format(what=blocked.subject), en=en.format(what=blocked.subject))


def say_loss(loss: Loss) -> Text:
    """What goes, and how many values."""
    rows_ja = "件数は不明" if loss.rows is None else f"{loss.rows:,} 件"
    rows_en = "nobody counted how many" if loss.rows is None else f"values: {loss.rows:,}"
    match loss.kind:
        case LossKind.DROPPED:
            return Text(
                ja=f"{loss.subject} の値が消えます({rows_ja})",
                en=f"{loss.subject} goes with its values ({rows_en})",
            )
        case LossKind.EMPTIED:
            return Text(
                ja=f"{loss.subject} は空で戻ります(以前の値は削除済み。{rows_ja})",
                en=f"{loss.subject} comes back empty: its values went when it was dropped ({rows_en})",
            )
        case LossKind.CONVERTED:
            return Text(
                ja=f"{loss.subject} は別の型に変換され、値の一部を失うことがあります({rows_ja})",
                en=f"{loss.subject} is converted, and some of its values may be lost ({rows_en})",
            )


def say_hidden(loss: Loss) -> Text:
    count_ja = "" if loss.rows is None else f"({loss.rows:,} 件)"
    count = "" if loss.rows is None else f" ({loss.rows:,})"
    return Text(
        ja=f"{loss.subject} に書かれた値{count_ja}は残りますが、戻した版では表示も更新もされません",
        en=f"values in {loss.subject}{count} stay, but the older version neither shows nor updates them",
    )


def say_several(texts: list[Text]) -> tuple[Text, ...]:
    """The first few of them, and how many more there are."""
    told = list(dict.fromkeys(texts))
    if len(told) <= _TOLD:
        return tuple(told)
    left = len(told) - _TOLD
    return (*told[:_TOLD], Text(ja=f"ほか {left} 件", en=f"and {left} more"))


def name_jobs(kinds: Mapping[str, int | None]) -> Text:
    """Kinds of jobs and how many of each, where they were counted."""
    if set(kinds) == {"*"}:
        return Text(ja="すべての種類", en="of any kind")
    said = ", ".join(name if count is None else f"{name} {count:,}" for name, count in sorted(kinds.items()))
    return Text(ja=said, en=said)


def say_jobs(kinds: Mapping[str, int | None], *, is_scheduled: bool, to: str) -> Text:
    said = name_jobs(kinds)
    if is_scheduled:
        return Text(
            ja=f"予定済みのジョブ({said.ja})は {to} では実行できず、新しい版に戻るまで待ちます",
            en=f"jobs for later ({said.en}) cannot be run by {to}; they wait until a newer version is back",
        )
    return Text(
        ja=f"待っているジョブ({said.ja})を実行できるワーカーがなく、新しい版に戻るまで待ちます",
        en=f"waiting jobs ({said.en}) have no worker that knows them and wait until a newer version is back",
    )


def say_tab(pages: str, missing: tuple[str, ...]) -> Text:
    said = ", ".join((name.partition(":")[2] or name).removesuffix("()") for name in missing[:3])
    more = len(missing) - 3
    rest_ja, rest_en = (f" ほか {more} 件", f" and {more} more") if more > 0 else ("", "")
    return Text(
        ja=f"{pages} の画面を開いたままの人は、読み込み直すまで次の操作に失敗します: {said}{rest_ja}",
        en=f"who has a page of {pages} open cannot use this until it is loaded again: {said}{rest_en}",
    )


def name_components(components: frozenset[Component]) -> Text:
    ordered = [one for one in Component if one in components]
    return Text(
        ja="・".join(COMPONENTS[one].ja for one in ordered),
        en=" and ".join(COMPONENTS[one].en for one in ordered),
    )
