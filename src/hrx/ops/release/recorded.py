"""What a test run recorded, as a file: the schema that it ran on and what the code did with it.

One file a test process; `merge_recordings` puts those of one run together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import orjson

from hrx.kit.errors import Invalid, Text
from hrx.ops.release.recording import LOG_FILE, Recorder, merge_uses, read_catalogue
from hrx.ops.release.shape_reading import read_revision, read_shape
from hrx.ops.release.shapes import (
    SchemaShape,
    SchemaUse,
    shape_from_json,
    shape_to_json,
    use_from_json,
    use_to_json,
)
from hrx.ops.seams.postgres import read_rows

_DATABASES: Final = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
_AGAIN: Final = "python deploy/prove.py --only tests --record var/recorded"


class RecordingUnusable(Invalid):
    """The file is no recording, or belongs to another schema than the others."""

    code = "release.recording_unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """`statements`: how many were seen; `unresolved`: how many tables or functions could not be named."""

    revision: str
    shape: SchemaShape
    use: SchemaUse
    statements: int
    unresolved: int

    @property
    def known_use(self) -> SchemaUse | None:
        """What was seen; None when something could not be named, so that everything counts as used."""
        return self.use if self.statements and not self.unresolved else None


def take_recording(data_dir: Path, url: str, *, database: str, role: str) -> Recording:
    """Read the log of a test server that is still up. Raises DatabaseRefused, OSError.

    Databases that tests made beside `database` count as well, as long as they are there and of its shape."""
    shape = read_shape(url)
    recorders = {
        name: Recorder(database=name, role=role, catalogue=read_catalogue(where))
        for name, where in _list_beside(url)
        if name == database or read_shape(where).fingerprint == shape.fingerprint
    }
    with (data_dir / LOG_FILE).open("rb") as lines:
        for line in lines:
            for recorder in recorders.values():
                recorder.take(line)
    return Recording(
        revision=read_revision(url) or "",
        shape=shape,
        use=merge_uses(one.use for one in recorders.values()),
        statements=sum(one.statements for one in recorders.values()),
        unresolved=sum(len(one.unresolved) for one in recorders.values()),
    )


def _list_beside(url: str) -> list[tuple[str, str]]:
    """Every database of this server, and where it is."""
    names = [str(row["datname"]) for row in read_rows(url, _DATABASES, timeout_s=5.0)]
    parts = urlsplit(url)
    return [(name, urlunsplit(parts._replace(path=f"/{name}"))) for name in names if name != "postgres"]


def save_recording(recording: Recording, path: Path) -> None:
    """Written whole or not at all."""
    values = {
        "revision": recording.revision,
        "statements": recording.statements,
        "unresolved": recording.unresolved,
        "use": use_to_json(recording.use),
        "shape": shape_to_json(recording.shape),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_bytes(orjson.dumps(values, option=orjson.OPT_INDENT_2))
    draft.replace(path)


def load_recording(path: Path) -> Recording:
    """Raises RecordingUnusable."""
    try:
        values = orjson.loads(path.read_bytes())
        return Recording(
            revision=str(values["revision"]),
            shape=shape_from_json(values["shape"]),
            use=use_from_json(values["use"]),
            statements=int(values["statements"]),
            unresolved=int(values["unresolved"]),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unusable(path, f"{type(error).__name__}: {error}") from error


def merge_recordings(recordings: Sequence[Recording]) -> Recording:
    """One run's recordings as one. Raises RecordingUnusable when they come from different schemas."""
    first = recordings[0]
    if any(one.shape.fingerprint != first.shape.fingerprint for one in recordings):
        raise RecordingUnusable(
            Text(
                ja="記録ごとにデータベースのスキーマが違います",
                en="The recordings come from different schemas",
            ),
            hint=Text(
                ja=f"古い記録を消して、テストをもう一度実行してください: `{_AGAIN}`",
                en=f"Remove the older ones and run the tests again: `{_AGAIN}`.",
            ),
        )
    return Recording(
        revision=first.revision,
        shape=first.shape,
        use=merge_uses(one.use for one in recordings),
        statements=sum(one.statements for one in recordings),
        unresolved=sum(one.unresolved for one in recordings),
    )


def _unusable(path: Path, why: str) -> RecordingUnusable:
    return RecordingUnusable(
        Text(ja=f"{path} は記録として読めません({why})", en=f"{path} is no recording ({why})"),
        hint=Text(
            ja=f"テストを実行して作り直してください: `{_AGAIN}`",
            en=f"Make it again by running the tests: `{_AGAIN}`.",
        ),
    )
