"""Search over everything that was written: live files, closed ones and the archive, newest first, by page."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.observe.logs.files import (
    ArchivedFile,
    LogFolders,
    TextFile,
    list_archived,
    open_texts,
    without_doubles,
)
from hrx.ops.observe.logs.records import Level, LogRecord, service_of
from hrx.ops.observe.logs.scanning import Window, scan_back

#: Time limit of one search unless the caller sets another.
SEARCH_TIMEOUT_S: Final = 10.0
LIMIT_AT_MOST: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Names of fields that reading gives lines which are no JSON; no file holds them.
_DERIVED: Final = ("pid", "user", "database", "application")
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where the next page begins: before `at`, or at it after the first `skip` lines of that moment."""

    at: datetime
    skip: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}.{self.skip}"


def read_cursor(text: str) -> Cursor:
    """What `str` made. Raises Invalid."""
    moment, _, skip = text.partition(".")
    try:
        return Cursor(at=_EPOCH + int(moment) * _MICROSECOND, skip=int(skip))
    except (ValueError, OverflowError) as error:
        raise Invalid(
            Text(ja="続きの位置が正しくありません", en="This is no place to go on from"),
            code="logs.bad_cursor",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What is looked for; everything that is given must hold.

    `level` means at least this; `parts` takes parts and services (`api` for both slots); `text` is found in
    message or fields whatever its case; `limit` is 1–1000."""

    since: datetime | None = None
    until: datetime | None = None
    level: Level | None = None
    parts: tuple[str, ...] = ()
    correlation_id: str | None = None
    text: str | None = None
    after: Cursor | None = None
    limit: int = 100

    def matches(self, one: LogRecord) -> bool:
        return (
            self._is_in_time(one.at)
            and (self.level is None or one.level >= self.level)
            and (not self.parts or one.part in self.parts or one.service in self.parts)
            and (self.correlation_id is None or self.correlation_id in (one.correlation_id, one.trace_id))
            and (self.text is None or holds_text(one, self.text.lower()))
        )

    @property
    def end(self) -> datetime | None:
        """Nothing at or after this moment is wanted."""
        if self.after is None:
            return self.until
        after = self.after.at + _MICROSECOND
        return after if self.until is None else min(after, self.until)

    def _is_in_time(self, at: datetime) -> bool:
        end = self.end
        return (self.since is None or at >= self.since) and (end is None or at < end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Records, newest first; `next` is where older ones begin, None when there are none."""

    records: tuple[LogRecord, ...]
    next: Cursor | None
    took_ms: float
    #: Archived files that were read.
    files: int = 0


def holds_text(one: LogRecord, low: str) -> bool:
    """Whether the lower-case text is in the message or in the fields as JSON."""
    return low in one.event.lower() or low in fields_json(one.fields).lower() or low == one.correlation_id


# `Any`: values of JSON.
def fields_json(fields: Any) -> str:
    return orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode() if fields else ""


ReadArchive = Callable[[list[ArchivedFile], LogQuery, int, float], Iterator[LogRecord]]


def search(
    folders: LogFolders,
    query: LogQuery,
    *,
    read_archive: ReadArchive,
    timeout_s: float = SEARCH_TIMEOUT_S,
) -> Page:
    """One page. `read_archive` gives matching records of archived files, newest first.

    Raises Unavailable (`logs.too_long`) past the limit, Invalid for a limit out of range."""
    if not 1 <= query.limit <= LIMIT_AT_MOST:
        raise Invalid(
            Text(ja=f"件数は 1〜{LIMIT_AT_MOST} です", en=f"The limit is 1 to {LIMIT_AT_MOST}"),
            code="logs.bad_limit",
        )
    started_s, listed_at = clock.monotonic_s(), datetime.now(UTC)
    skip = query.after.skip if query.after is not None else 0
    with ExitStack() as opened:
        texts = open_texts(folders)
        for one in texts:
            opened.callback(one.file.close)
        archived = choose_archived(without_doubles(list_archived(folders), texts, listed_at=listed_at), query)
        streams = [
            _scan(one, query, deadline_s=started_s + timeout_s) for one in texts if _is_wanted(one, query)
        ]
        if archived:
            # One more than the page: whether there is an older one is part of the answer.
            streams.append(read_archive(archived, query, query.limit + skip + 1, timeout_s))
        merged = heapq.merge(*streams, key=lambda one: one.at, reverse=True)
        found = list(islice(_after(merged, query.after), query.limit + 1))
    shown = found[: query.limit]
    return Page(
        records=tuple(shown),
        next=_cursor_after(shown, query.after) if len(found) > query.limit else None,
        took_ms=round((clock.monotonic_s() - started_s) * 1000, 1),
        files=len(archived),
    )


def choose_archived(archived: list[ArchivedFile], query: LogQuery) -> list[ArchivedFile]:
    """Those whose day and part can hold what is looked for."""
    end = query.end
    return [
        one
        for one in archived
        if (query.since is None or one.day >= query.since.astimezone(UTC).date())
        and (end is None or one.day <= end.astimezone(UTC).date())
        and _is_part_wanted(one.part, query)
    ]


def _is_wanted(text: TextFile, query: LogQuery) -> bool:
    return text.size_bytes > 0 and _is_part_wanted(text.part, query)


def _is_part_wanted(part: str, query: LogQuery) -> bool:
    return not query.parts or part in query.parts or service_of(part) in query.parts


def _scan(text: TextFile, query: LogQuery, *, deadline_s: float) -> Iterator[LogRecord]:
    return scan_back(
        text,
        window=Window(since=query.since, until=query.end),
        may_match=_make_prefilter(query),
        matches=query.matches,
        deadline_s=deadline_s,
    )


def _make_prefilter(query: LogQuery) -> Callable[[bytes], bool]:
    """Whether a block of lines can hold what is looked for, by its bytes alone."""
    wanted = [_plain_run(term) for term in (query.correlation_id, query.text) if term]
    needles = [one.lower().encode() for one in wanted if one]
    if not needles:
        return lambda block: True

    def may_match(block: bytes) -> bool:
        low = block.lower()
        return all(needle in low for needle in needles)

    return may_match


def _plain_run(term: str) -> str:
    """The longest stretch that stands in the file as it stands in a record: JSON escapes, masks and what is
    not ASCII (whose case bytes do not know) apart."""
    if any(name in term.lower() for name in _DERIVED):
        return ""
    runs = "".join(one if one.isascii() and (one.isalnum() or one in "-_.:") else " " for one in term).split()
    return max(runs, key=len, default="")


def _after(found: Iterator[LogRecord], cursor: Cursor | None) -> Iterator[LogRecord]:
    to_skip = cursor.skip if cursor is not None else 0
    for one in found:
        if to_skip and cursor is not None and one.at == cursor.at:
            to_skip -= 1
            continue
        yield one


def _cursor_after(shown: list[LogRecord], former: Cursor | None) -> Cursor:
    last = shown[-1].at
    skip = sum(1 for one in shown if one.at == last)
    if former is not None and former.at == last:
        skip += former.skip
    return Cursor(at=last, skip=skip)
