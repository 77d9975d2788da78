"""Reading documents: 500 pages each of Markdown, Word and PDF, from the upload to passages that are found.

Beside it the limit: PDFium's text of the same PDF in a bare loop, which keeps nothing."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any, Final

import docx
import httpx
import pypdfium2

from benchmarks.crowds import Reader, open_app, sign_in
from benchmarks.figures import Aim, Figure, Section
from benchmarks.servers import House, running_api, running_worker
from hrx.app.demo.loading import provide_tenant
from hrx.app.platform.tenancy import Role
from tests.app.documents.files import pages_of_text

_PAGES: Final = 500
_ROUNDS: Final = 3
_POLL_S: Final = 0.05
_GIVE_UP_AFTER_S: Final = 300.0
#: Characters of a page of Japanese rules, A4 at 10.5 pt.
_PAGE_CHARS: Final = 1_200
_INGEST = Aim(bound=100, is_lower_bound=True, unit="pages/s")


async def measure_ingest(house: House) -> Section:
    """Pages a second of each kind, with the API and the worker as in the stack; indexing is part of it."""
    files = {
        "Markdown, Japanese": ("rules.md", _markdown()),
        "Word, Japanese": ("rules.docx", _word()),
        "PDF, English": ("rules.pdf", pages_of_text(_PAGES, lines=30)),
    }
    figures: list[Figure] = []
    with running_api(house) as api, running_worker(house):
        url = f"http://127.0.0.1:{api.port}/api/v1"
        for name, (file_name, content) in files.items():
            rounds = [await _ingest(url, await _tenant(house), file_name, content) for _ in range(_ROUNDS)]
            middle = sorted(rounds, key=lambda each: each["seconds"])[_ROUNDS // 2]
            figures.append(
                Figure(
                    what=f"{name}: {middle['passages']:,} passages, {len(content) / 1e6:.2f} MB",
                    value=_PAGES / middle["seconds"],
                    unit="pages/s",
                    aim=_INGEST,
                    raw={"rounds": rounds},
                )
            )
    bare = sorted(_bare_loop(files["PDF, English"][1]) for _ in range(_ROUNDS))[_ROUNDS // 2]
    figures.append(
        Figure(what="limit: PDFium's text of the PDF, nothing kept", value=_PAGES / bare, unit="pages/s")
    )
    return Section(
        name=f"ingest: {_PAGES} pages of each kind, from the first byte sent to ready",
        notes=(
            f"Pages of {_PAGE_CHARS:,} Japanese characters; of the PDF 2,700 English ones.",
            "One file at a time; the reading process, passages, index and commit are included.",
        ),
        figures=figures,
    )


async def _tenant(house: House) -> Reader:
    async with open_app(house.settings) as app:
        slug = f"ingest-{time.monotonic_ns()}"
        tenant_id = await provide_tenant(app.state.parts.database, slug=slug, name="文書計測")
        return await sign_in(app, tenant_id=tenant_id, role=Role.HR)


async def _ingest(url: str, reader: Reader, name: str, content: bytes) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=120, trust_env=False, headers=reader.headers) as client:
        started = time.perf_counter()
        answer = await client.post(
            f"{url}/documents",
            files={"file": (name, content)},
            data={"audience": "everyone", "kind": "policy"},
        )
        document = answer.raise_for_status().json()["items"][0]["id"]
        while time.perf_counter() - started < _GIVE_UP_AFTER_S:
            shown = (await client.get(f"{url}/documents/{document}")).raise_for_status().json()
            version = shown["versions"][0]
            if version["state"] == "failed":
                raise RuntimeError(f"{name} was not read: {version['problem']}")
            if version["state"] == "ready":
                return {"seconds": time.perf_counter() - started, "passages": version["passages"]}
            await asyncio.sleep(_POLL_S)
    raise RuntimeError(f"{name} was not ready within {_GIVE_UP_AFTER_S:g} s")


def _articles(page: int) -> list[tuple[str, list[str]]]:
    """A page: three articles with numbered sentences, none like another."""
    sentence = "社員は、第{}条第{}項の定めにより、所属長の承認を得て{}日以内に届け出なければならない。"
    articles = []
    for at in range(1, 4):
        number = page * 3 + at
        lines = [f"{n}. " + sentence.format(number, n, (number * n) % 60 + 1) for n in range(1, 11)]
        articles.append((f"第{number}条 届出その{number}", lines))
    return articles


def _markdown() -> bytes:
    lines = ["# 就業規則"]
    for page in range(_PAGES):
        for heading, sentences in _articles(page):
            lines += ["", f"## {heading}", "", *sentences]
    return "\n".join(lines).encode()


def _word() -> bytes:
    document = docx.Document()
    document.add_heading("就業規則", level=1)
    for page in range(_PAGES):
        for heading, sentences in _articles(page):
            document.add_heading(heading, level=2)
            for sentence in sentences:
                document.add_paragraph(sentence)
        document.add_page_break()  # type: ignore[no-untyped-call]
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _bare_loop(content: bytes) -> float:
    started = time.perf_counter()
    document = pypdfium2.PdfDocument(content)
    for page in document:
        page.get_textpage().get_text_range()
    return time.perf_counter() - started
