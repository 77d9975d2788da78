"""The help of `hrx import` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Import: folders of documents into the product.": "取り込み(文書のフォルダー)。",
    "Upload every readable file of a folder. Again is harmless: only what is new is uploaded.": (
        "フォルダーの読めるファイルをすべて取り込む。繰り返してよい(変わったものだけ新しい版になる)。"
    ),
    "The folder; hidden files are left out.": "フォルダー(隠しファイルは除く)。",
    "policy, handbook, form, notice or other.": "種類: policy、handbook、form、notice、other。",
    "everyone, managers or hr.": "閲覧できる人: everyone(全員)、managers(管理職)、hr(人事)。",
    "The first day on which they are in force; default today.": "施行日。指定しなければ今日。",
    "The portal's address; default this machine's.": "ポータルの URL。指定しなければこのマシン。",
    "Whose sign-in (asks for the password); default the demo's HR.": (
        "利用者のメールアドレス(パスワードを尋ねる)。指定しなければデモ会社の人事。"
    ),
}
