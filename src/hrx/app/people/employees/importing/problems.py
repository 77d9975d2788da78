"""Everything that can be wrong with a file or a cell, said in both languages with what to do about it.

Rows store only a code and its values: the sentence is made when somebody reads it, in their language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hrx.kit.errors import Invalid, Language, Text, TooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one cell. `column` is a field name, or empty when the whole row is meant.

    A warning does not stop the row; it only wants to be seen."""

    column: str
    code: str
    values: Mapping[str, str] = field(default_factory=dict)
    is_warning: bool = False

    def to_json(self) -> dict[str, object]:
        stored: dict[str, object] = {"column": self.column, "code": self.code}
        if self.values:
            stored["values"] = dict(self.values)
        if self.is_warning:
            stored["warning"] = True
        return stored


class FileProblem(Invalid):
    """The file as a whole cannot be read."""

    code = "file.unreadable"


class FileTooLarge(TooLarge):
    """The file is over a limit that the message names."""

    code = "file.too_large"


PROBLEMS: Final[dict[str, Text]] = {
    # rows
    "row.too_many_cells": Text(
        ja="見出しは{expected}列ですが、この行には{found}列あります。余分な区切り文字がないか確認してください。",
        en="The header has {expected} columns but this row has {found}. Look for a stray delimiter.",
    ),
    "row.too_few_cells": Text(
        ja="見出しは{expected}列ですが、この行には{found}列しかありません。引用符や改行の位置を確認してください。",
        en="The header has {expected} columns but this row only {found}. Check quotes and line breaks.",
    ),
    "row.duplicate": Text(
        ja="{first_row}行目と同じ社員番号・適用日・主務兼務の行です。どちらか一方を削除してください。",
        en="Row {first_row} has the same employee number, date and post kind. Delete one of the two.",
    ),
    "row.contradicts": Text(
        ja="同じ社員の{first_row}行目では「{other}」です。同じ値にそろえてください。",
        en="Row {first_row} of the same person says “{other}”. Make both rows say the same.",
    ),
    "row.person_has_errors": Text(
        ja="同じ社員の{first_row}行目に誤りがあるため、この行も取り込めません。先にそちらを直してください。",
        en="Row {first_row} of the same person has an error, so this row waits for it. Fix that one first.",
    ),
    # cells
    "cell.required": Text(ja="必須です。値を入れてください。", en="This is required. Enter a value."),
    "cell.too_long": Text(
        ja="{limit}文字以内にしてください（現在{found}文字）。",
        en="Use at most {limit} characters (now {found}).",
    ),
    "cell.nul": Text(
        ja="制御文字または見えない文字が含まれています。入力し直してください。",
        en="It contains a control or an invisible character. Type the value again.",
    ),
    "cell.formula": Text(
        ja="数式の形をしています。計算はせず、文字のまま取り込みます。",
        en="This looks like a formula. It is never calculated; it is taken in as plain text.",
    ),
    "date.unknown": Text(
        ja="「{value}」は日付として読めません。2024-04-01、2024/4/1、令和6年4月1日 のように書いてください。",
        en="“{value}” is not a date. Write it like 2024-04-01 or 令和6年4月1日.",
    ),
    "date.ambiguous": Text(
        ja="「{value}」は年・月・日の順がわかりません。2024-04-01 のように西暦4桁から書いてください。",
        en="Year, month and day in “{value}” are unclear. Start with a four-digit year: 2024-04-01.",
    ),
    "date.impossible": Text(
        ja="「{value}」は存在しない日付です。", en="“{value}” is a day that does not exist."
    ),
    "date.before_era": Text(
        ja="「{value}」はその元号が始まる前です。{era}は{start}からです。",
        en="“{value}” lies before its era began. {era} starts on {start}.",
    ),
    "date.out_of_range": Text(
        ja="「{value}」は扱える範囲（1900年から2199年）の外です。",
        en="“{value}” is outside the years 1900 to 2199.",
    ),
    "date.future_birth": Text(ja="生年月日が未来の日付です。", en="The date of birth is in the future."),
    "date.left_before_hired": Text(
        ja="退職日（{left}）が入社日（{hired}）より前です。",
        en="The last day ({left}) is before the hire date ({hired}).",
    ),
    "date.before_hire": Text(
        ja="適用日（{value}）が入社日（{hired}）より前です。",
        en="The effective date ({value}) is before the hire date ({hired}).",
    ),
    "date.after_leaving": Text(
        ja="適用日（{value}）が退職日（{left}）より後です。",
        en="The effective date ({value}) is after the last day ({left}).",
    ),
    "date.backwards": Text(
        ja="適用終了日（{to}）が適用日（{value}）より前です。",
        en="The end date ({to}) is before the effective date ({value}).",
    ),
    "date.overlap": Text(
        ja="期間が{first_row}行目（{other}から）と重なります。適用日か適用終了日を直してください。",
        en="The period overlaps with row {first_row} (from {other}). Correct a start or end date.",
    ),
    "date.overlap_recorded": Text(
        ja="登録済みの兼務（{other}から）と期間が重なります。",
        en="The period overlaps with a recorded concurrent post (from {other}).",
    ),
    "name.no_space": Text(
        ja="姓と名の境目がわかりません。「髙橋 美咲」のように空白を入れるか、列を分けてください。",
        en="The family and given names cannot be told apart. Put a space between them or use two columns.",
    ),
    "name.needs_both": Text(ja="姓と名の両方が必要です。", en="Both family and given names are needed."),
    "kana.not_kana": Text(
        ja="カナで書いてください（例: タカハシ）。読めない文字: {value}",
        en="Write this in kana (for example タカハシ). Not kana: {value}",
    ),
    "email.malformed": Text(
        ja="「{value}」はメールアドレスの形ではありません。",
        en="“{value}” is not an e-mail address.",
    ),
    "email.duplicate_in_file": Text(
        ja="{first_row}行目の別の社員と同じメールアドレスです。",
        en="Row {first_row}, another person, has the same e-mail address.",
    ),
    "email.taken": Text(
        ja="社員番号 {other} の人がすでに使っているメールアドレスです。",
        en="This e-mail address already belongs to employee {other}.",
    ),
    "phone.malformed": Text(
        ja="「{value}」は電話番号の形ではありません。", en="“{value}” is not a phone number."
    ),
    "postal_code.malformed": Text(
        ja="郵便番号は 220-0012 のように7桁で書いてください。", en="Write seven digits like 220-0012."
    ),
    "choice.unknown": Text(
        ja="「{value}」は選べません。次から選んでください: {choices}",
        en="“{value}” is not a choice. Use one of: {choices}",
    ),
    "ratio.malformed": Text(
        ja="0以上1以下の数（例: 1.00、0.5、50%）で書いてください。",
        en="Write a number from 0 to 1, such as 1.00, 0.5 or 50%.",
    ),
    "code.malformed": Text(
        ja="空白や制御文字を含まない値にしてください。",
        en="It must not contain spaces or control characters.",
    ),
    # references
    "org_unit.unknown": Text(
        ja="{on}時点に部署「{value}」はありません。先に登録するか「ない部署を作る」を選んでください。",
        en="There is no org unit “{value}” on {on}. Create it first, or choose “create missing units”.",
    ),
    "org_unit.ambiguous": Text(
        ja="部署「{value}」は複数あります（{candidates}）。上位の部署から「/」で区切って書いてください。",
        en="There are several org units “{value}” ({candidates}). Write the path from the top with “/”.",
    ),
    "org_unit.disagrees": Text(
        ja="部署コード {unit_code} は「{name}」で、部署列の「{value}」と違います。",
        en="Code {unit_code} is “{name}”, not “{value}” as the org unit column says.",
    ),
    "position.ambiguous": Text(
        ja="役職「{value}」は複数あります。", en="There are several positions called “{value}”."
    ),
    "position.unknown": Text(
        ja="{on}時点に役職「{value}」はありません。先に登録するか「ない役職を作る」を選んでください。",
        en="There is no position “{value}” on {on}. Create it first, or choose “create missing positions”.",
    ),
    "manager.unknown": Text(
        ja="社員番号「{value}」の人は、このファイルにも登録済みの社員にもいません。",
        en="Nobody has employee number “{value}”, neither in this file nor on record.",
    ),
    "manager.self": Text(ja="本人を上長にはできません。", en="A person cannot be their own manager."),
    "manager.cycle": Text(
        ja="上長をたどると本人に戻ってしまいます（{chain}）。",
        en="Following the managers leads back to this person ({chain}).",
    ),
    "manager.has_errors": Text(
        ja="上長「{value}」の行（{first_row}行目）に誤りがあり、取り込めません。",
        en="The manager “{value}” (row {first_row}) has an error and cannot be taken in.",
    ),
    # people and spells
    "person.hire_needs": Text(ja="新しい社員には{missing}が必要です。", en="A new person needs: {missing}."),
    "person.no_spell": Text(
        ja="{value}時点でこの社員は在籍していません（入社日 {hired}、退職日 {left}）。",
        en="This person is not employed on {value} (hired {hired}, left {left}).",
    ),
    "person.gap": Text(
        ja="入社日（{hired}）から最初の適用日（{value}）までの所属がありません。最初の行の適用日を入社日にしてください。",
        en="No post is given from the hire date ({hired}) to {value}. Start at the hire date.",
    ),
    "employment.hire_differs": Text(
        ja="登録済みの入社日は {recorded} です。再入社なら前回の退職日が先に必要です。",
        en="The recorded hire date is {recorded}. A rehire needs an earlier last day.",
    ),
    "employment.overlap": Text(
        ja="在籍期間が登録済みの在籍（{recorded}から）と重なります。",
        en="This spell overlaps with the recorded one that starts on {recorded}.",
    ),
    "concurrent.without_primary": Text(
        ja="兼務の期間中に主務がありません。", en="There is no primary post during this concurrent one."
    ),
}


def say(code: str, values: Mapping[str, str], *, language: Language) -> str:
    """The sentence for a stored code; an unknown code (a newer release wrote it) is shown as it is."""
    text = PROBLEMS.get(code)
    if text is None:
        return code
    return text.in_language(language).format_map(_Lenient(values))


class _Lenient(dict[str, str]):
    """A value that an older row did not store shows as an ellipsis instead of failing the page."""

    def __missing__(self, key: str) -> str:
        return "…"
