"""Files as people really send them: every encoding, delimiter and kind of damage, read or refused."""

from __future__ import annotations

import io
import zipfile
import zlib
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from hrx.app.people.employees.importing import workbook
from hrx.app.people.employees.importing.mapping import guess_columns
from hrx.app.people.employees.importing.reading import MAX_COLUMNS, Table, read_table
from hrx.kit.errors import HrxError

pytestmark = pytest.mark.req("R2-2")

HEADER = "社員番号,氏名,フリガナ,部署,入社日"
ROW = '00123,髙橋 美咲,タカハシ ミサキ,"営業部\n第一課",令和6年4月1日'
TEXT = f"{HEADER}\r\n{ROW}\r\n"


def read(tmp_path: Path, content: bytes) -> Table:
    path = tmp_path / "upload"
    path.write_bytes(content)
    return read_table(path)


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        (TEXT.encode(), "utf-8", ","),
        (TEXT.encode("utf-8-sig"), "utf-8-sig", ","),
        (TEXT.encode("cp932"), "cp932", ","),
        (TEXT.encode("utf-16"), "utf-16", ","),
        (TEXT.replace("髙", "高").encode("euc_jp"), "euc_jp", ","),
        (TEXT.replace("髙", "高").encode("iso2022_jp"), "iso2022_jp", ","),
        (TEXT.replace(",", "\t").encode("cp932"), "cp932", "\t"),
        (TEXT.replace(",", ";").encode(), "utf-8", ";"),
        (TEXT.replace("\r\n", "\r").encode(), "utf-8", ","),
        (TEXT.replace("\r\n", "\n").encode(), "utf-8", ","),
    ],
)
def test_text_is_read_exactly_whatever_its_encoding(
    tmp_path: Path, content: bytes, encoding: str, delimiter: str
) -> None:
    table = read(tmp_path, content)
    assert (table.encoding, table.delimiter) == (encoding, delimiter)
    assert table.header == tuple(HEADER.split(","))
    assert len(table.rows) == 1
    number, name, kana, unit, hired = table.rows[0]
    assert (number, kana, unit, hired) == ("00123", "タカハシ ミサキ", "営業部\n第一課", "令和6年4月1日")
    assert name in {"髙橋 美咲", "高橋 美咲"}


def test_characters_that_only_windows_has_survive(tmp_path: Path) -> None:
    text = "社員番号,氏名\r\n1,髙﨑 ①Ⅲ㈱～－纊彅\r\n"
    assert read(tmp_path, text.encode("cp932")).rows[0][1] == "髙﨑 ①Ⅲ㈱～－纊彅"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"\r\n , ,\r\n", "file.empty"),
        (HEADER.encode(), "file.no_rows"),
        (b"\x00\x01\x02\x03" * 500, "file.binary"),
        (TEXT.encode("utf-16-le"), "file.binary"),
        (TEXT.encode() + b"\xff\xfe\xfa", "file.encoding"),
        (TEXT.encode("cp932") + b"\x81\r\n", "file.encoding"),
        (f'{HEADER}\r\n1,"abc,x\r\n'.encode(), "file.quotes"),
        (f'{HEADER}\r\n1,"abc"d,x\r\n'.encode(), "file.quotes"),
        (f"{HEADER}\r\n1,{'あ' * 40_000}\r\n".encode(), "file.quotes"),
        (",".join(f"c{n}" for n in range(1000)).encode() + b"\r\n1\r\n", "file.too_many_columns"),
        (b"PK\x03\x04 no workbook", "file.workbook"),
        (b"\xd0\xcf\x11\xe0 old workbook", "file.old_excel"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason_and_a_way_out(
    tmp_path: Path, content: bytes, code: str
) -> None:
    with pytest.raises(HrxError) as refused:
        read(tmp_path, content)
    assert refused.value.stable_code == code
    for text in (refused.value.message, refused.value.hint):
        assert text is not None
        assert text.ja
        assert text.en


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HrxError) as refused:
        read(tmp_path, b"a,b\n" + b"1,2\n" * 200_001)
    assert refused.value.stable_code == "file.too_many_rows"


def test_titles_above_the_header_are_passed_over_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, f"人事一覧,,\r\n\r\n{TEXT}".encode())
    assert table.header[0] == "社員番号"
    assert table.first_row_number == 4


def test_equal_and_missing_headers_get_names_of_their_own(tmp_path: Path) -> None:
    table = read(tmp_path, "社員番号,部署,部署,,氏名\r\n1,a,b,c,d\r\n".encode())
    assert table.header == ("社員番号", "部署", "部署 (2)", "#4", "氏名")


def workbook_bytes(*rows: list[object], number_format: str | None = None) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        hidden = book.add_worksheet("hidden")
        hidden.write(0, 0, "secret")
        hidden.hide()
        sheet = book.add_worksheet("社員")
        sheet.activate()
        sheet.set_first_sheet()
        day = book.add_format({"num_format": "yyyy/m/d"})
        padded = book.add_format({"num_format": number_format}) if number_format else None
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(at, column, value, day)
                elif isinstance(value, int) and padded:
                    sheet.write_number(at, column, value, padded)
                elif isinstance(value, str):
                    sheet.write_string(at, column, value)
                else:
                    sheet.write(at, column, value)
    return stream.getvalue()


def test_workbooks_keep_days_numbers_and_leading_zeros(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        workbook_bytes(
            ["社員番号", "入社日", "稼働率", "等級"],
            [123, date(2024, 4, 1), 0.5, 1234567],
            ["00456", "H1.5.1", 1, "=1+1"],
            number_format="00000",
        ),
    )
    assert (table.encoding, table.sheet) == ("xlsx", "社員")
    assert table.rows[0][:3] == ["00123", "2024-04-01", "0.5"]
    assert table.rows[1] == ["00456", "H1.5.1", "00001", "=1+1"]


@pytest.mark.parametrize("tells_its_size", [True, False])
@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet2.xml"])
def test_a_workbook_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, part: str, tells_its_size: bool
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(bomb_bytes(part, tells_its_size=tells_its_size))
    with pytest.raises(HrxError) as refused:
        workbook.weigh_archive(path)
    # An archive that does not even tell the truth about its sizes counts as damaged.
    assert refused.value.stable_code == ("file.bomb" if tells_its_size else "file.workbook")


def bomb_bytes(part: str, *, tells_its_size: bool) -> bytes:
    """A workbook of some 3 MB with one part that unpacks to more than the limit.

    The archive's directory may say that the part is small, with the checksum of its beginning."""
    block = (b"<si><t>" + b"a" * 1017) * 1024
    stream = io.BytesIO()
    content = workbook_bytes(["社員番号", "氏名"], ["1", "佐藤 健"])
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for entry in source.infolist():
            if entry.filename != part:
                target.writestr(entry, source.read(entry))
        with target.open(part, "w", force_zip64=True) as growing:
            for _ in range(workbook.MAX_UNPACKED_BYTES // len(block) + 1):
                growing.write(block)
        if not tells_its_size:
            lying = target.getinfo(part)
            lying.file_size, lying.CRC = 7, zlib.crc32(b"<si><t>")
    return stream.getvalue()


@pytest.mark.parametrize("address", ["XFD1", "B1048576", "A9999999"])
def test_a_cell_in_the_far_corner_does_not_eat_the_memory(tmp_path: Path, address: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["B1"] = "社員番号", "氏名"
    sheet["A2"] = "1"
    stream = io.BytesIO()
    book.save(stream)
    patched = io.BytesIO()
    with zipfile.ZipFile(stream) as source, zipfile.ZipFile(patched, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                data = data.replace(b'r="A2"', f'r="{address}"'.encode())
            target.writestr(entry, data)
    with pytest.raises(HrxError) as refused:
        read(tmp_path, patched.getvalue())
    assert refused.value.stable_code == "file.far_cells"


def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    content = workbook_bytes(["社員番号", "氏名"], ["1", "佐藤 健"])
    patched = io.BytesIO()
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(patched, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "xl/sharedStrings.xml":
                head, _, rest = data.partition(b"?>")
                data = head + b"?>" + bomb + rest.replace("佐藤 健".encode(), b"&b;")
            target.writestr(entry, data)
    with pytest.raises(HrxError) as refused:
        read(tmp_path, patched.getvalue())
    assert refused.value.stable_code == "file.workbook"


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        (
            "社員番号,姓,名,フリガナ,メール,部署,役職,上長,入社日,退職日,生年月日,適用日",
            "employee_number,family_kanji,given_kanji,full_kana,work_email,org_unit,position,manager_number,"
            "hired_on,left_on,birth_on,valid_from",
        ),
        (
            "Employee ID,Last Name,First Name,E-mail,Department,Job Title,Reports to,Hire Date",
            "employee_number,family_kanji,given_kanji,work_email,org_unit,position,manager_number,hired_on",
        ),
        ("従業員コード ,＊氏名,所属部署名,連絡先", "employee_number,full_kanji,org_unit,"),
    ],
)
def test_columns_are_guessed_from_headers_in_both_languages(headers: str, fields: str) -> None:
    names = headers.split(",")
    guesses = guess_columns(names, [[] for _ in names])
    assert [guess.field or "" for guess in guesses] == fields.split(",")


def test_samples_help_to_guess_and_forbid_what_cannot_be() -> None:
    guesses = guess_columns(["連絡先", "入社日(予定)備考"], [["a@example.jp"], ["なし", "未定"]])
    assert guesses[0].field == "work_email"
    assert guesses[1].field is None
    assert MAX_COLUMNS == 200
