"""The whole content, read once and checked together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hrx.ops.runbook.chapters import Chapter, load_chapters
from hrx.ops.runbook.communication import CommunicationRules, load_communication
from hrx.ops.runbook.contacts import Contacts, load_contacts
from hrx.ops.runbook.faq import Question, load_faq
from hrx.ops.runbook.indexes import PromisedIndex, load_indexes
from hrx.ops.runbook.on_call import OnCallContent, load_on_call
from hrx.ops.runbook.parts import PartInfo, load_parts
from hrx.ops.runbook.procedures import Procedure, load_procedures
from hrx.ops.runbook.reading import wrong
from hrx.ops.runbook.respond import Respond, load_respond
from hrx.ops.runbook.sops import Sop, load_sops
from hrx.ops.runbook.watch.content import Watch, load_watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything under `runbook/`."""

    parts: tuple[PartInfo, ...]
    procedures: tuple[Procedure, ...]
    chapters: tuple[Chapter, ...]
    respond: Respond
    watch: Watch
    communication: CommunicationRules
    contacts: Contacts
    on_call: OnCallContent
    sops: tuple[Sop, ...]
    indexes: tuple[PromisedIndex, ...]
    faq: tuple[Question, ...]


def load_content(folder: Path) -> Content:
    """The runbook. Raises ContentWrong when a file is wrong or names something that does not exist."""
    parts = load_parts(folder)
    contacts = load_contacts(folder)
    content = Content(
        parts=parts,
        procedures=load_procedures(folder),
        chapters=load_chapters(folder),
        respond=load_respond(folder),
        watch=load_watch(folder),
        communication=load_communication(folder, services=frozenset(part.service for part in parts)),
        contacts=contacts,
        on_call=load_on_call(folder, contacts),
        sops=load_sops(folder),
        indexes=load_indexes(folder),
        faq=load_faq(folder),
    )
    known = {procedure.id for procedure in content.procedures}
    for chapter in content.chapters:
        for section in chapter.sections:
            for missing in sorted(set(section.procedures) - known):
                raise wrong(f"section {section.id}", f"names an unknown procedure {missing}")
    _refuse_unknown_procedures(content.sops, known=known)
    _refuse_unknown_links(content.faq, sops={sop.id for sop in content.sops}, procedures=known)
    return content


def _refuse_unknown_links(faq: tuple[Question, ...], *, sops: set[str], procedures: set[str]) -> None:
    for one in faq:
        for missing in sorted({*one.sops} - sops):
            raise wrong(f"faq {one.id}", f"links to an unknown SOP {missing}")
        for missing in sorted({*one.procedures} - procedures):
            raise wrong(f"faq {one.id}", f"links to an unknown procedure {missing}")


def _refuse_unknown_procedures(sops: tuple[Sop, ...], *, known: set[str]) -> None:
    for sop in sops:
        for cause in sop.causes:
            for missing in sorted({item.procedure for item in cause.proposals} - known):
                raise wrong(f"SOP {sop.id}, cause {cause.id}", f"proposes an unknown procedure {missing}")
