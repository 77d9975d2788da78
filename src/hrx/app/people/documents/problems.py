"""Why a file cannot be read, and what should be known about one that was: in both languages.

Known to the process that reads and to the job that keeps the result; rows hold the sentences, because a
sentence about a file that was read last year must not change with the release."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Invalid, NotFound, Text

_CONVERT: Final = Text(
    ja="元のアプリで開き直し、PDF・Word（.docx）・テキストのいずれかで保存してアップロードしてください。",
    en="Open it in its own program, save it as PDF, Word (.docx) or text, and upload that.",
)
_SPLIT: Final = Text(
    ja="章などの単位で分けて、別々にアップロードしてください。",
    en="Split it, by chapter for instance, and upload the parts.",
)


class DocumentNotFound(NotFound):
    """Absent, deleted, or not for the caller: all look the same."""

    code = "document.not_found"


class FileUnreadable(Invalid):
    """The file as a whole cannot be read; `stable_code` is a key of UNREADABLE."""

    code = "file.unreadable"

    def __init__(self, code: str, **values: object) -> None:
        message, hint = UNREADABLE[code]
        super().__init__(fill(message, **values), hint=hint, code=code)


def fill(text: Text, **values: object) -> Text:
    """The sentence with its figures."""
    return Text(ja=text.ja.format(**values), en=text.en.format(**values))


UNREADABLE: Final[dict[str, tuple[Text, Text]]] = {
    "file.empty": (
        Text(ja="ファイルが空です。", en="The file is empty."),
        Text(ja="内容のあるファイルを選び直してください。", en="Choose a file that has something in it."),
    ),
    "file.encrypted": (
        Text(ja="パスワードで保護されているため、読めません。", en="It is protected by a password."),
        Text(
            ja="パスワードを外して保存し直し、もう一度アップロードしてください。",
            en="Save it without the password and upload it again.",
        ),
    ),
    "file.corrupt": (
        Text(ja="ファイルが壊れているか、途中で切れています。", en="The file is damaged or cut short."),
        _CONVERT,
    ),
    "file.scanned_only": (
        Text(
            ja="文字の情報がありません（{pages}ページすべてが画像です）。画像からの文字認識（OCR）は行いません。",
            en="It holds no text: all {pages} pages are images, and text recognition (OCR) is not done.",
        ),
        Text(
            ja="スキャナーや Acrobat などで OCR をかけた PDF を作り、アップロードし直してください。",
            en="Run OCR in your scanner's program or in Acrobat, then upload the PDF that has text.",
        ),
    ),
    "file.no_text": (
        Text(ja="文字が見つかりません。", en="No text was found in it."),
        Text(
            ja="図だけのファイルではないか確認し、文章を含むファイルをアップロードしてください。",
            en="See whether it holds pictures only, and upload a file with text.",
        ),
    ),
    "file.old_office": (
        Text(
            ja="古い形式の Office ファイル（.doc・.xls・.ppt）は読めません。",
            en="Old Office files (.doc, .xls, .ppt) cannot be read.",
        ),
        Text(
            ja="Office で開き、.docx・.xlsx・.pptx として保存し直してください。",
            en="Open it in Office and save it as .docx, .xlsx or .pptx.",
        ),
    ),
    "file.unknown_kind": (
        Text(ja="この種類のファイルは読めません。", en="Files of this kind cannot be read."),
        Text(
            ja="PDF・Word・Excel・PowerPoint・Markdown・テキスト・HTML・CSV "
            "のいずれかでアップロードしてください。",
            en="Upload PDF, Word, Excel, PowerPoint, Markdown, text, HTML or CSV.",
        ),
    ),
    "file.encoding": (
        Text(
            ja="文字コードがわかりません（UTF-8・Shift_JIS・EUC-JP・UTF-16 のどれでもありません）。",
            en="The character encoding is unknown (not UTF-8, Shift_JIS, EUC-JP or UTF-16).",
        ),
        Text(ja="UTF-8 で保存し直してください。", en="Save it as UTF-8."),
    ),
    "file.bomb": (
        Text(
            ja="展開すると {limit} MB を超えるため、開きませんでした。",
            en="It unpacks to more than {limit} MB and was not opened.",
        ),
        _SPLIT,
    ),
    "file.too_long": (
        Text(
            ja="長すぎます（上限は {pages:,} ページ、{characters:,} 文字）。",
            en="It is too long (at most {pages:,} pages and {characters:,} characters).",
        ),
        _SPLIT,
    ),
    "file.too_complex": (
        Text(
            ja="構造が複雑で、決められた時間の中で読み終わらなかったため、中止しました。",
            en="It is so complex that it could not be read within the time allowed, and was given up.",
        ),
        _SPLIT,
    ),
    "file.too_much_memory": (
        Text(
            ja="読むために必要なメモリーが上限（{limit:,} MB）を超えるため、中止しました。",
            en="Reading it takes more than the {limit:,} MB of memory allowed, and was given up.",
        ),
        Text(
            ja="大きな画像や表を減らすか、章などの単位で分けてアップロードしてください。",
            en="Take out large pictures and tables, or upload it in parts.",
        ),
    ),
    "file.crashed": (
        Text(
            ja="読み取りの途中で処理が異常終了しました。ファイルの作りに問題がある可能性があります。",
            en="Reading it broke off in the middle; something in how the file is made may be wrong.",
        ),
        _CONVERT,
    ),
    "file.not_kept": (
        Text(
            ja="読み取った内容に保存できないものが含まれていたため、登録できませんでした。",
            en="What was read from it holds something that cannot be stored.",
        ),
        _CONVERT,
    ),
    "file.virus": (
        Text(ja="ウイルスが見つかりました（{name}）。", en="A virus was found in it ({name})."),
        Text(
            ja="このファイルは開かず、入手元と情報セキュリティ担当に連絡してください。",
            en="Do not open it; tell whoever sent it and your security officer.",
        ),
    ),
    "archive.nested": (
        Text(ja="zip の中の zip は開きません。", en="A zip inside a zip is not opened."),
        Text(ja="中の zip を展開して、まとめ直してください。", en="Unpack it first, then zip the folder."),
    ),
    "archive.path": (
        Text(ja="zip の外を指すファイル名のため、受け取りません。", en="Its name points outside the zip."),
        Text(ja="zip を作り直してください。", en="Make the zip anew."),
    ),
    "archive.too_many": (
        Text(
            ja="zip のファイルが多すぎます（上限 {limit:,} 件）。",
            en="The zip holds more than {limit:,} files.",
        ),
        Text(ja="分けてアップロードしてください。", en="Upload it in parts."),
    ),
}  # fmt: skip

NOTICES: Final[dict[str, Text]] = {
    "hidden.text": Text(
        ja="目に見えない文字（背景と同じ色・極小・ページの外・非表示）が "
        "{count:,} 文字あり、検索の対象から外しました。",
        en="{count:,} characters that nobody sees (white, tiny, off the page or hidden) were left out.",
    ),
    "hidden.characters": Text(
        ja="表示されない制御文字を {count:,} 文字取り除きました。",
        en="{count:,} invisible control characters were taken out.",
    ),
    "hidden.sheet": Text(
        ja="非表示のシート「{value}」（{count:,} セル）は、検索の対象から外しました。",
        en="The hidden sheet “{value}” ({count:,} cells) was left out.",
    ),
    "hidden.cells": Text(
        ja="非表示の行・列にある {count:,} セルは、検索の対象から外しました。",
        en="{count:,} cells in hidden rows or columns were left out.",
    ),
    "hidden.slide": Text(
        ja="非表示のスライド（{count:,} 文字）は、検索の対象から外しました。",
        en="A hidden slide ({count:,} characters) was left out.",
    ),
    "file.macros": Text(
        ja="マクロは読まず、実行もしていません。文字だけを取り出しました。",
        en="Its macros were neither read nor run; only the text was taken.",
    ),
    "file.extension": Text(
        ja="拡張子と中身が違うため、中身（{value}）に従って読みました。",
        en="Its name says another kind than its content; it was read as {value}.",
    ),
    "pages.without_text": Text(
        ja="{count:,} ページには文字がありません（画像の可能性があります。OCR は行いません）。",
        en="{count:,} pages hold no text (they may be images; OCR is not done).",
    ),
    "virus.not_scanned": Text(
        ja="ウイルス検査は設定されていないため、行っていません。",
        en="It was not scanned for viruses: no scanner is set up.",
    ),
    "effective.proposed": Text(
        ja="本文に施行日 {value} とあります。この版の施行日と違う場合は、"
        "日付を指定してアップロードし直してください。",
        en="The text says it is effective from {value}. If this "
        "version's date differs, upload it with that date.",
    ),
    "effective.gap": Text(
        ja="{value} から先は、有効な版がありません。",
        en="From {value} on no version is in force.",
    ),
}  # fmt: skip
