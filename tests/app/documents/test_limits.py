"""What a machine that has no room or no memory says of a file, and what one answer about a text holds."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hrx.app.people.documents import queries, reading
from hrx.app.people.documents.problems import UNREADABLE, FileUnreadable
from hrx.app.people.documents.reading import ReaderUnavailable
from hrx.kit.errors import HrxError
from tests.app.documents import files
from tests.app.documents.conftest import Library

pytestmark = pytest.mark.req("R2-5")


async def read(path: Path) -> dict[str, Any]:
    return await reading.read_file(path, name=path.name, document_kind="policy", on_progress=lambda *_: None)


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    path = tmp_path / "rules.md"
    path.write_text(files.MARKDOWN)
    return path


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
async def test_a_full_disk_is_the_machines_fault_and_is_tried_again(
    handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever folder the result is to lie in, its place there is a device without room.
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.TemporaryDirectory", lambda **_: _Full(room))
    with pytest.raises(ReaderUnavailable) as told:
        await read(handbook)
    assert "空き" in told.value.message.ja


class _Full:
    """A folder in which `result.json` has no room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> str:
        (self.folder / "result.json").symlink_to("/dev/full")
        return str(self.folder)

    def __exit__(self, *_: object) -> None:
        (self.folder / "result.json").unlink()


async def test_a_file_that_takes_more_memory_than_allowed_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "rules.txt"
    # Readers hold a text several times; the process may have 1.5 GB.
    with path.open("wb") as stream:
        stream.truncate(1_600 * 1024 * 1024)
        stream.write(b"# rules\n")
    with pytest.raises(FileUnreadable) as told:
        await read(path)
    assert told.value.stable_code == "file.too_much_memory"
    assert "1,536" in told.value.message.ja


@pytest.mark.parametrize(
    ("ending", "error", "code"),
    [
        (None, FileUnreadable, "file.too_complex"),
        (-signal.SIGXCPU, FileUnreadable, "file.too_complex"),
        (-signal.SIGSEGV, FileUnreadable, "file.crashed"),
        (1, FileUnreadable, "file.crashed"),
        (-signal.SIGKILL, ReaderUnavailable, "document.reader_unavailable"),
        (os.EX_IOERR, ReaderUnavailable, "document.reader_unavailable"),
    ],
)
def test_how_the_reader_ended_says_whose_fault_it_was(
    ending: int | None, error: type[HrxError], code: str
) -> None:
    with pytest.raises(error) as told:
        reading.judge_ending(ending)
    assert told.value.stable_code == code


def test_time_memory_and_room_are_told_apart() -> None:
    said = [UNREADABLE[code][0].ja for code in ("file.too_complex", "file.too_much_memory", "file.crashed")]
    assert ["時間" in one for one in said] == [True, False, False]
    assert ["メモリー" in one for one in said] == [False, True, False]


async def test_a_part_of_a_text_comes_with_the_headings_of_that_part_only(library: Library) -> None:
    sections = "\n\n".join(f"## 第{number}条\n\n条文その{number}。" for number in range(1, 60))
    document = await library.add(f"# 規程\n\n{sections}\n".encode(), title="規程")
    version = document["versions"][0]["id"]
    path = f"/documents/{document['id']}/versions/{version}/text"
    whole = (await library.browser.get(path)).json()
    assert len(whole["headings"]) == 59
    start = whole["body"].index("条文その30。")
    window = {"start": start, "end": whole["body"].index("条文その32。") + 3}
    part = (await library.browser.get(path, params=window)).json()
    assert [one["headings"][-1] for one in part["headings"]] == ["第30条", "第31条", "第32条"]


async def test_one_answer_holds_a_bounded_number_of_headings(library: Library) -> None:
    many = queries.MOST_HEADINGS + 100
    sections = "\n\n".join(f"## {number}\n\n条文。" for number in range(many))
    document = await library.add(f"# 規程\n\n{sections}\n".encode(), title="規程")
    shown = await library.text(document)
    assert len(shown["headings"]) == queries.MOST_HEADINGS
