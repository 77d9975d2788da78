"""What people do to an import: upload, map, ask for the check, ask for the commit, cancel.

An import moves uploaded → mapped → checking → checked → committing → committed; a step that stops leaves it
at failed, or back at mapped when the record moved on. What the jobs do to it is in `outcomes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.mapping import ColumnGuess, check_mapping
from hrx.app.people.employees.importing.models import DATA_IMPORT, DATA_IMPORT_ROW
from hrx.app.people.employees.importing.queries import ImportRow, get_import
from hrx.app.people.employees.importing.reading import Table
from hrx.app.platform import audit
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.storage import StoredFile
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import Conflict, Refused, Text

_CHANGEABLE: Final = frozenset({"uploaded", "mapped", "checked", "failed"})


class ImportNotReady(Conflict):
    """The import is not in a state in which this step makes sense."""

    code = "import.not_ready"


class ImportHasErrors(Conflict):
    """Rows with errors were found, and nobody said that they may be left out."""

    code = "import.has_errors"


class SecondPersonNeeded(Refused):
    """This tenant wants another person to commit than the one who uploaded."""

    code = "import.needs_second_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the check may propose beyond the file: units and positions that do not exist yet."""

    may_create_units: bool = False
    may_create_positions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that was stored and read."""

    file_name: str
    stored: StoredFile
    table: Table
    guesses: tuple[ColumnGuess, ...]


async def create_import(session: AsyncSession, *, upload: Upload) -> ImportRow:
    """Record an uploaded file with its guessed mapping."""
    principal: Principal = session.info["principal"]
    table = upload.table
    statement = (
        insert(DATA_IMPORT)
        .values(
            file_name=upload.file_name,
            file_key=upload.stored.key,
            file_sha256=upload.stored.sha256,
            size_bytes=upload.stored.size_bytes,
            encoding=table.encoding,
            delimiter=table.delimiter,
            sheet=table.sheet[:200],
            columns=[_guess_json(guess) for guess in upload.guesses],
            mapping={guess.name: guess.field for guess in upload.guesses if guess.field is not None},
            rows_total=len(table.rows),
            uploaded_by=principal.user_id,
        )
        .returning(DATA_IMPORT.c.id)
    )
    import_id = int((await session.execute(statement)).scalar_one())
    await audit.record(
        session, action="import.uploaded", details={"import_id": import_id, "rows": len(table.rows)}
    )
    return await get_import(session, import_id=import_id)


async def change_mapping(
    session: AsyncSession, *, import_id: int, mapping: Mapping[str, str | None], options: Options
) -> ImportRow:
    """Decide what the columns mean; an earlier check is void. Raises MappingInvalid, ImportNotReady."""
    found = await _get_changeable(session, import_id)
    chosen = check_mapping(mapping, header=[column["name"] for column in found["columns"]])
    await update_import(
        session,
        import_id,
        state="mapped",
        mapping=chosen,
        may_create_units=options.may_create_units,
        may_create_positions=options.may_create_positions,
        revision=found["revision"] + 1,
        plan_digest=None,
        counts={},
        creations={},
        problem=None,
        rows_done=0,
    )
    await forget_rows(session, import_id)
    return await get_import(session, import_id=import_id)


async def start_check(session: AsyncSession, *, import_id: int) -> ImportRow:
    """Get an import ready for its dry run; the caller enqueues the job with the new revision."""
    found = await _get_changeable(session, import_id)
    check_mapping(found["mapping"], header=[column["name"] for column in found["columns"]])
    await update_import(
        session,
        import_id,
        state="checking",
        revision=found["revision"] + 1,
        problem=None,
        rows_done=0,
        plan_digest=None,
    )
    return await get_import(session, import_id=import_id)


async def start_commit(session: AsyncSession, *, import_id: int, skip_errors: bool) -> tuple[ImportRow, bool]:
    """Get a checked import ready to be committed; the second value says whether a job is to be enqueued.

    Asking again while it runs, or after, changes nothing. Raises ImportNotReady, ImportHasErrors,
    SecondPersonNeeded."""
    found = await lock_import(session, import_id)
    if found["state"] in ("committing", "committed"):
        return found, False
    if found["state"] != "checked":
        raise _not_ready(ja="先に「確認」を実行してください。", en="Run the check first.")
    if found["counts"].get("error", 0) and not skip_errors:
        raise _has_errors(int(found["counts"]["error"]))
    await _refuse_same_person(session, found)
    principal: Principal = session.info["principal"]
    await update_import(
        session,
        import_id,
        state="committing",
        is_skipping_errors=skip_errors,
        committed_by=principal.user_id,
        rows_done=0,
        problem=None,
    )
    return await get_import(session, import_id=import_id), True


async def cancel_import(session: AsyncSession, *, import_id: int) -> tuple[ImportRow, str | None]:
    """Give an import up; its rows go at once. The second value is the key of the file to delete after."""
    found = await lock_import(session, import_id)
    if found["state"] == "cancelled":
        return found, None
    if found["state"] in ("committing", "committed"):
        raise _not_ready(
            ja="取り込みが始まった後は取り消せません。",
            en="It cannot be cancelled once it is being committed.",
        )
    await update_import(
        session, import_id, state="cancelled", file_key=None, revision=found["revision"] + 1, rows_done=0
    )
    await forget_rows(session, import_id)
    await audit.record(session, action="import.cancelled", details={"import_id": import_id})
    await publish(session, kind=EventKind.IMPORT_PROGRESS, ref_id=import_id)
    return await get_import(session, import_id=import_id), found["file_key"]


async def _get_changeable(session: AsyncSession, import_id: int) -> ImportRow:
    found = await lock_import(session, import_id)
    if found["state"] not in _CHANGEABLE:
        raise _not_ready(
            ja="実行中、または終わった取り込みは変更できません。",
            en="An import that is running or over cannot be changed.",
        )
    return found


async def lock_import(session: AsyncSession, import_id: int) -> ImportRow:
    """The import, held against other writers until this transaction ends. Raises ImportNotFound."""
    await session.execute(text("SELECT id FROM app.data_import WHERE id = :id FOR UPDATE"), {"id": import_id})
    return await get_import(session, import_id=import_id)


# `Any`: the values of columns, each checked by the table's own types.
async def update_import(session: AsyncSession, import_id: int, **values: Any) -> None:
    """Set columns of an import."""
    await session.execute(update(DATA_IMPORT).where(DATA_IMPORT.c.id == import_id).values(**values))


async def forget_rows(session: AsyncSession, import_id: int) -> None:
    """Drop what a check found."""
    await session.execute(delete(DATA_IMPORT_ROW).where(DATA_IMPORT_ROW.c.import_id == import_id))


async def _refuse_same_person(session: AsyncSession, found: ImportRow) -> None:
    principal: Principal = session.info["principal"]
    needs = await session.scalar(text("SELECT needs_four_eyes FROM app.tenant"))
    if needs and principal.user_id == found["uploaded_by"]:
        raise SecondPersonNeeded(
            Text(
                ja="この会社では、アップロードした人とは別の人が取り込みを確定します。",
                en="In this organisation somebody else than the uploader commits an import.",
            ),
            hint=Text(ja="ほかの人事担当者に依頼してください。", en="Ask another member of HR."),
        )


def _guess_json(guess: ColumnGuess) -> dict[str, object]:
    return {
        "name": guess.name,
        "samples": list(guess.samples),
        "guessed_field": guess.field,
        "confidence": guess.confidence,
    }


def _not_ready(*, ja: str, en: str) -> ImportNotReady:
    return ImportNotReady(Text(ja=ja, en=en))


def _has_errors(count: int) -> ImportHasErrors:
    return ImportHasErrors(
        Text(ja=f"{count:,}行に誤りがあります。", en=f"{count:,} rows have errors."),
        hint=Text(
            ja="ファイルを直してもう一度アップロードするか、誤りのある行を除いて取り込むことを選んでください。",
            en="Correct the file and upload it again, or choose to import without those rows.",
        ),
    )
