"""What the database's refusals about people mean, said to people. Imported by `models`."""

from __future__ import annotations

from typing import Final

from hrx.app.platform.problems import explain_constraint
from hrx.kit.errors import Expected, Invalid, Text

NOBODY_MANAGES_THEMSELVES: Final = Text(
    ja="本人を自分の上司にはできません。", en="Nobody is their own manager."
)
_CONFLICTS: tuple[tuple[str, str | None, str, str], ...] = (
    (
        "person_number_is_unique",
        "employee_number",
        "この社員番号はすでに使われています。",
        "This employee number is taken.",
    ),
    (
        "person_email_is_unique",
        "work_email",
        "このメールアドレスはすでに使われています。",
        "This e-mail address is taken.",
    ),
    (
        "one_primary_assignment_at_a_time",
        None,
        "主務の期間がほかの配属と重なっています。",
        "The primary assignment overlaps another one.",
    ),
    (
        "concurrent_posts_differ",
        "org_unit_id",
        "同じ兼務がその期間にすでにあります。",
        "The same concurrent post exists in that period already.",
    ),
    (
        "employments_of_a_person_do_not_overlap",
        "hired_on",
        "在籍期間がほかの在籍期間と重なっています。",
        "The spell of employment overlaps another one.",
    ),
    (
        "one_version_of_an_employment",
        None,
        "在籍期間が同時に変更されました。",
        "The spell of employment was changed at the same time.",
    ),
    (
        "person_versions_do_not_overlap",
        "effective_on",
        "氏名の期間がほかの記録と重なっています。",
        "The period of the name overlaps another one.",
    ),
    ("org_unit_code_is_unique", "code", "この組織コードはすでに使われています。", "This code is taken."),
    ("position_code_is_unique", "code", "この役職コードはすでに使われています。", "This code is taken."),
    (
        "org_unit_versions_do_not_overlap",
        None,
        "組織の期間がほかの記録と重なっています。",
        "The period of the unit overlaps another record.",
    ),
    (
        "position_versions_do_not_overlap",
        None,
        "役職の期間がほかの記録と重なっています。",
        "The period of the position overlaps another record.",
    ),
    (
        "approver_is_not_requester",
        None,
        "自分が申請した発令は承認できません。",
        "You cannot approve your own order.",
    ),
    (
        "order_state_moves_on",
        None,
        "この発令はすでに処理されています。",
        "This change order was decided or applied already.",
    ),
    (
        "history_is_closed",
        None,
        "この記録はすでに新しい記録に置き換えられています。",
        "This record was replaced by a newer one already.",
    ),
)
_INVALID: tuple[tuple[str, str | None, str, str], ...] = (
    (
        "assignment_within_employment",
        None,
        "配属の期間が在籍期間からはみ出しています。",
        "An assignment lies outside the spell of employment.",
    ),
    (
        "manager_chain_has_no_ring",
        "manager_id",
        "上司をたどると本人に戻ります。別の上司を選んでください。",
        "The chain of managers comes back to this person. Choose another manager.",
    ),
    (
        "org_tree_has_no_ring",
        "parent_id",
        "組織を自分の配下に移すことはできません。",
        "A unit cannot be moved below itself.",
    ),
    (
        "org_unit_version_check",
        "parent_id",
        "組織を自分の配下に移すことはできません。",
        "A unit cannot be moved below itself.",
    ),
    (
        "org_parent_is_there",
        "parent_id",
        "その期間に存在しない上位組織、または上位組織のない配下組織が生じます。",
        "A unit would stand without its parent for some days.",
    ),
    (
        "person_has_a_name",
        "family_kanji",
        "姓を漢字またはローマ字で入力してください。",
        "Give a family name in kanji or in Latin letters.",
    ),
)


def _explain(entries: tuple[tuple[str, str | None, str, str], ...], *, error: type[Expected] | None) -> None:
    for name, field, ja, en in entries:
        if error is None:
            explain_constraint(name, message=Text(ja=ja, en=en), field=field)
        else:
            explain_constraint(name, message=Text(ja=ja, en=en), field=field, error=error)


_explain(_CONFLICTS, error=None)
_explain(_INVALID, error=Invalid)
explain_constraint(
    "assignment_check",
    message=NOBODY_MANAGES_THEMSELVES,
    field="manager_id",
    error=Invalid,
    code="manager.is_oneself",
)
