"""Lines of every program as records: moment, level, correlation id, and nothing that must not be shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hrx.ops.observe.logs.parsing import LineReader, read_lines
from hrx.ops.observe.logs.records import Level, LogRecord

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ID = "c8bb2445bcf142d8a1dc0552bcb587b3"
pytestmark = pytest.mark.req("R4.2-1")


def read(part: str, *lines: str) -> list[LogRecord]:
    return list(read_lines("\n".join(lines).encode(), LineReader(part, before=NOON)))


def test_our_own_lines_keep_every_field() -> None:
    (found,) = read(
        "api-blue",
        '{"at":"2026-11-26T11:27:46.219+00:00","level":"info","event":"request","logger":"hrx.http","process":'
        f'"api-blue","correlation_id":"{ID}","trace_id":"{ID}","method":"GET","route":"/livez","status":200}}',
    )
    assert found.at == datetime(2026, 11, 26, 11, 27, 46, 219000, tzinfo=UTC)
    assert (found.level, found.part, found.service, found.event) == (Level.INFO, "api-blue", "api", "request")
    assert found.correlation_id == found.trace_id == ID
    assert found.fields == {"logger": "hrx.http", "method": "GET", "route": "/livez", "status": 200}


def test_an_answer_that_failed_counts_as_an_error_whatever_its_line_says() -> None:
    (found,) = read("haproxy", '{"at":"2026-11-26T11:27:46Z","level":"info","event":"request","status":503}')
    assert found.level is Level.ERROR


def test_postgresql_names_the_request_of_a_statement_and_its_further_lines_are_of_its_level() -> None:
    found = read(
        "postgres",
        f"2026-11-26 11:27:41.321 UTC [71] hrx_app@hrx hrx {ID} ERROR:  deadlock detected",
        f"2026-11-26 11:27:41.321 UTC [71] hrx_app@hrx hrx {ID} STATEMENT:  UPDATE app.person SET x = $1",
        "\t WHERE id = $2",
        "2026-11-26 11:27:42.000 UTC [9] LOG:  checkpoint starting: time",
    )
    assert [one.level for one in found] == [Level.ERROR, Level.ERROR, Level.ERROR, Level.INFO]
    assert [one.correlation_id for one in found] == [ID, ID, ID, None]
    assert found[0].event == "deadlock detected"
    assert found[2].at == found[0].at
    assert not found[2].is_dated


@pytest.mark.parametrize(
    ("part", "line", "level", "event"),
    [
        (
            "redis",
            "3673:M 26 Nov 2026 11:27:42.331 # Server initialized",
            Level.WARNING,
            "Server initialized",
        ),
        ("redis", "3673:M 26 Nov 2026 11:27:42.331 * Ready", Level.INFO, "Ready"),
        ("supervisord", "2026-11-26 11:27:42,331 WARN exited: worker", Level.WARNING, "exited: worker"),
        (
            "supervisord",
            "2026-11-26 11:27:42,331 CRIT no authentication",
            Level.CRITICAL,
            "no authentication",
        ),
        (
            "prometheus",
            '{"caller":"main.go:973","level":"warn","msg":"Received","ts":"2026-11-26T11:27:42.331Z"}',
            Level.WARNING,
            "Received",
        ),
        (
            "postgres-exporter",
            '{"time":"2026-11-26T11:27:42.331000042Z","level":"ERROR","msg":"scrape failed"}',
            Level.ERROR,
            "scrape failed",
        ),
        ("prometheus", 'ts=2026-11-26T11:27:42.331Z level=error msg="no space"', Level.ERROR, "no space"),
    ],
)
def test_other_programs_are_read_in_their_own_form(part: str, line: str, level: Level, event: str) -> None:
    (found,) = read(part, line)
    assert (found.level, found.event) == (level, event)
    assert found.at == datetime(2026, 11, 26, 11, 27, 42, 331000, tzinfo=UTC)
    assert found.is_dated


def test_haproxy_says_by_its_words_that_a_server_is_gone() -> None:
    found = read(
        "haproxy", "[ALERT]    (3688) : backend 'api' has no server available!", "Server web/x is DOWN"
    )
    assert [one.level for one in found] == [Level.ERROR, Level.WARNING]


def test_torn_and_foreign_lines_are_records_of_the_moment_before() -> None:
    found = read(
        "web-blue",
        '{"at":"2026-11-26T11:00:00Z","level":"error","event":"failed"}',
        '{"at":"2026-11-26T11:00:01Z","level":"in',
        "▲ Next.js 16.4.6",
        "",
        "\x00\x01 \ufffd",
    )
    assert [one.event for one in found] == [
        "failed",
        '{"at":"2026-11-26T11:00:01Z","level":"in',
        "▲ Next.js 16.4.6",
        "\x00\x01 \ufffd",
    ]
    assert {one.at for one in found} == {datetime(2026, 11, 26, 11, 0, tzinfo=UTC)}


def test_bytes_that_are_no_text_and_json_that_is_no_object_are_read_all_the_same() -> None:
    reader = LineReader("worker", before=NOON)
    assert reader.read(b"\xff\xfe\x80 broken", offset=0).event.endswith("broken")
    assert reader.read(b'{"at": 5, "level": 7, "event": null}', offset=0).event == ""
    assert reader.read(b"[1, 2]", offset=0).at == datetime.fromtimestamp(5, UTC)


def test_secrets_and_personal_data_are_masked_again_when_a_line_is_read() -> None:
    found = read(
        "worker",
        '{"at":"2026-11-26T11:00:00Z","level":"info","event":"sent to taro@example.co.jp",'
        '"password":"hunter2",'
        '"detail":{"phone":"090-1234-5678","note":"call 03-1234-5678"},"url":"postgresql://a:geheim@db/x"}',
        "ERROR for 123456789018, Bearer abcdefghijklmnop",
    )
    said = repr(found)
    for secret in ("taro@", "hunter2", "1234-5678", "geheim", "123456789018", "abcdefghijklmnop"):
        assert secret not in said
