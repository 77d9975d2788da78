"""The help of `hrx operator` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Operators: people who may sign in to operations.": "運用者: 運用コンソールに入れる人。",
    "Add an operator; the password is asked for, or read from standard input.": (
        "運用者を追加する。パスワードは尋ねるか、標準入力から読む。"
    ),
    "The operator's name.": "運用者の名前。",
    "viewer, responder, approver or admin.": (
        "viewer(閲覧者)、responder(対応者)、approver(承認者)、admin(管理者)。"
    ),
    "Every operator with role and last sign-in.": "運用者の一覧。権限と最後のサインイン。",
    "Give an operator another role.": "運用者の権限を変える。",
    "Lock an operator out at once.": "運用者を直ちに締め出す。",
    "Let a disabled operator in again.": "停止した運用者を再び有効にする。",
    "Set a new password and sign the operator out everywhere.": (
        "新しいパスワードを設定し、すべてのサインインを切る。"
    ),
}
