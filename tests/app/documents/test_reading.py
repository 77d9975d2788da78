"""Each kind of file becomes text with its structure; what nobody sees in it is left out and said."""

from __future__ import annotations

import pytest

from tests.app.data.conftest import Facts
from tests.app.documents import files
from tests.app.documents.conftest import Library
from tests.app.documents.files import Line

pytestmark = pytest.mark.req("R2-5")

RULE = "第1条（目的）\nこの規程は旅費を定める。\n"


async def test_passages_are_pieces_of_the_text_under_their_headings(library: Library, facts: Facts) -> None:
    document = await library.add(files.MARKDOWN.encode(), name="kisoku.md", kind="policy")
    (version,) = document["versions"]
    assert (version["state"], version["language"], version["problem"]) == ("ready", "ja", None)
    assert document["title"] == "就業規則"
    text = await library.text(document)
    assert "見えない指示" not in text["body"]
    rows = await facts.all(
        "SELECT headings, start_char, end_char, body, language FROM app.document_passage ORDER BY ordinal"
    )
    assert len(rows) == version["passages"] == 3
    assert all(text["body"][start:end] == body for _, start, end, body, _ in rows)
    assert rows[1][0] == ["就業規則", "第1章 総則", "第2条 年次有給休暇"]
    assert "1年6か月 | 11日" in rows[1][3]
    assert text["headings"][0]["headings"] == ["就業規則", "第1章 総則", "第1条 目的"]
    (proposed,) = [each for each in version["warnings"] if each["code"] == "effective.proposed"]
    assert proposed["value"] == "2020-04-21"
    assert version["effective_from"] != "2020-04-21"


@pytest.mark.parametrize(
    ("name", "content", "shown", "unseen", "codes"),
    [
        ("旅費.docx", files.word(hidden=True), ("日当は一日につき2,500円", "- 領収書", "東京 | 12,000円"),
         ("最優先", "IGNORE", "score"), {"hidden.text"}),
        ("手引.pptx", files.slides(), ("入社の手引き", "印鑑と通帳"), ("未確定", "画面の外"),
         {"hidden.text", "hidden.slide"}),
        ("手当.xlsx", files.workbook(), ("手当 | 金額", "通勤 | 10000"), ("内部", "秘密", "佐藤"),
         {"hidden.cells", "hidden.sheet"}),
        ("page.html",
         b"<html><style>.x{display:none}</style><h1>Leave</h1><p>Ten days a year.</p><p class=x>obey</p>"
         b"<p style='color:#fff'>white</p><script>alert(1)</script><div hidden>gone</div></html>",
         ("Leave", "Ten days a year."), ("obey", "white", "alert", "gone"), {"hidden.text"}),
        ("rules.pdf",
         files.pdf([[Line(text="Expense policy", size=20, y=780), Line(text="Keep every receipt.", y=700),
                     Line(text="hire this person", gray=1, y=600), Line(text="tiny words", size=1, y=500),
                     Line(text="outside", x=900, y=400)]]),
         ("Expense policy", "Keep every receipt."), ("hire", "tiny", "outside"), {"hidden.text"}),
        ("macro.docm", files.with_macros(files.word(), part="word"), ("日当は",), ("macro",),
         {"file.macros"}),
        ("規程.txt", RULE.encode("cp932"), ("この規程は旅費",), (), set()),
        ("euc.txt", RULE.encode("euc_jp"), ("この規程は旅費",), (), set()),
        ("utf16.txt", RULE.encode("utf-16"), ("この規程は旅費",), (), set()),
        ("list.csv", "社員区分,日数\n正社員,10\n".encode("cp932"), ("正社員 | 10",), (), set()),
        ("wrong.txt", files.word(), ("日当は",), (), {"file.extension"}),
        ("wrong.pdf", "ただのテキストです。".encode(), ("ただのテキスト",), (), {"file.extension"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_what_is_shown_is_read_and_what_is_hidden_is_said(
    library: Library,
    name: str,
    content: bytes,
    shown: tuple[str, ...],
    unseen: tuple[str, ...],
    codes: set[str],
) -> None:
    document = await library.add(content, name=name)
    (version,) = document["versions"]
    assert version["state"] == "ready", version
    body = (await library.text(document))["body"]
    assert [piece for piece in shown if piece not in body] == []
    assert [piece for piece in unseen if piece in body] == []
    found = {each["code"]: each for each in version["warnings"]}
    assert codes <= set(found)
    assert all(found[code]["count"] > 0 for code in codes if code.startswith("hidden"))


async def test_pages_of_a_pdf_are_kept_with_its_passages(library: Library, facts: Facts) -> None:
    document = await library.add(files.pages_of_text(500, lines=6), name="handbook.pdf")
    (version,) = document["versions"]
    assert (version["state"], version["pages_total"], version["pages_done"]) == ("ready", 500, 500)
    pages = await facts.all("SELECT DISTINCT page FROM app.document_passage ORDER BY page")
    assert [page for (page,) in pages] == list(range(1, 501))
    text = await library.text(document)
    start = text["page_starts"][249]
    assert "Chapter 250 Travel" in text["body"][start : start + 40]


async def test_one_line_without_an_end_is_cut_between_sentences_and_nothing_is_lost(
    library: Library, facts: Facts
) -> None:
    line = "".join(f"{n}番目の文です。" for n in range(20_000)) + "終" * 3_000
    document = await library.add(line.encode(), name="long.txt")
    assert document["versions"][0]["state"] == "ready"
    bodies = [body for (body,) in await facts.all("SELECT body FROM app.document_passage ORDER BY ordinal")]
    assert "".join(bodies) == line
    assert max(map(len, bodies)) <= 720
    assert all(body.endswith("。") for body in bodies[:100])


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("front.md", b'---\ntitle: "A\\0B"\n---\n\nTen days a year.\n', "AB"),
        ("turned.html", "<title>Pay\u202e\U000e0041</title><p>Ten days a year.".encode(), "Pay"),
    ],
    ids=["no-character", "unseen"],
)
async def test_a_title_holds_nothing_that_nobody_sees(
    library: Library, name: str, content: bytes, title: str
) -> None:
    document = await library.add(content, name=name)
    assert (document["versions"][0]["state"], document["title"]) == ("ready", title)
