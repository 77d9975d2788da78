"""The answer to a question about people: counted and listed under the asker's own rights, with its day."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.asking_people.intents import Kind, PeopleQuestion, first_of
from hrx.app.assistant.asking_people.skilled import find_known, find_mentions, list_words
from hrx.app.assistant.conversations.models import Citation, Said
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.people.employees.queries.counting import Counted, Wanted, find_people
from hrx.app.people.employees.queries.units import UnitTree, get_tree
from hrx.kit.errors import Language, Text
from hrx.kit.search.analysis import fold

#: So many are listed; all are counted.
MOST_LISTED: Final = 20
#: What of a résumé is shown around the skill.
_AROUND: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFound:
    """`said` is made from the records at this moment and kept nowhere."""

    as_of: date
    total: int
    people: tuple[Counted, ...]
    said: tuple[Said, ...]
    citations: tuple[Citation, ...] = ()

    def as_dict(self) -> dict[str, object]:
        return {
            "as_of": self.as_of.isoformat(),
            "total": self.total,
            "items": [asdict(one) for one in self.people],
        }


async def answer_people(
    session: AsyncSession, question: PeopleQuestion, *, today: date, language: Language
) -> PeopleFound:
    """Ask the records. Sets the asked day of the transaction."""
    asked = Asked(as_of=question.on)
    await ask_about(session, asked)
    tree = await get_tree(session, asked)
    as_of = question.on or today
    mentions: dict[int, dict[str, Any]] = {}
    if question.kind is Kind.SKILLED and question.skill is not None:
        # `Any`: columns differ in type.
        rows: list[dict[str, Any]] = await find_mentions(session, question.skill)
        mentions = {row["person_id"]: row for row in rows}
    wanted = _wanted(question, tree, as_of=as_of, skilled=list(mentions))
    total, people = await find_people(session, wanted, asked=asked, tree=tree, limit=MOST_LISTED)
    said = [Said(text=_tell(question, tree, total, people, as_of=as_of).in_language(language))]
    citations = []
    for number, one in enumerate((one for one in people if one.id in mentions), start=1):
        citation = _cite(number, mentions[one.id], question.skill or "")
        citations.append(citation)
        said.append(_mention(one, citation, language))
    return PeopleFound(
        as_of=as_of, total=total, people=tuple(people), said=tuple(said), citations=tuple(citations)
    )


def is_worth_telling(question: PeopleQuestion, found: PeopleFound) -> bool:
    """Whether "nobody" is an answer: of a word that is no skill we know, a document may know more."""
    return (
        question.kind is not Kind.SKILLED or found.total > 0 or find_known(question.skill or "") is not None
    )


def _wanted(question: PeopleQuestion, tree: UnitTree, *, as_of: date, skilled: list[int]) -> Wanted:
    units = None
    if question.unit_ids:
        units = sorted({one for unit in question.unit_ids if unit in tree.units for one in tree.within(unit)})
    if question.kind is Kind.HEAD:
        heads = [tree.units[unit].head_id for unit in question.unit_ids if unit in tree.units]
        return Wanted(ids=[head for head in heads if head is not None])
    if question.kind is Kind.STAFF:
        return Wanted(employed=True, unit_ids=units)
    if question.kind is Kind.SKILLED:
        return Wanted(employed=True, unit_ids=units, ids=skilled)
    period = (question.since or as_of, first_of(question.until, as_of))
    is_joined = question.kind is Kind.JOINED
    return Wanted(
        unit_ids=units,
        units_within=None if units is None else period,
        joined=period if is_joined else None,
        left=None if is_joined else period,
    )


def _tell(
    question: PeopleQuestion, tree: UnitTree, total: int, people: list[Counted], *, as_of: date
) -> Text:
    ja = "、".join(tree.units[one].name("ja") for one in question.unit_ids if one in tree.units)
    en = ", ".join(tree.units[one].name("en") for one in question.unit_ids if one in tree.units)
    at_ja, at_en = (f"「{ja}」の", f" in {en}") if question.unit_ids else ("", "")
    among_ja, among_en = "(閲覧できる人のうち)", "among the people you may see"
    if question.kind is Kind.HEAD:
        return _tell_head(ja, en, people, as_of=as_of)
    if question.kind is Kind.STAFF:
        return Text(
            ja=f"{as_of} 時点で在籍する{at_ja}人は {total:,} 人です{among_ja}。",
            en=f"On {as_of}, {total:,} people work{at_en or ' here'}, {among_en}.",
        )
    if question.kind is Kind.SKILLED:
        return Text(
            ja=f"履歴書・職務経歴書に「{question.skill}」の記載がある{at_ja}人は {total:,} 人です"
            "(閲覧できる人と書類のうち)。",
            en=f"{total:,} people{at_en} have “{question.skill}” in their résumés,"
            " among the people and résumés you may see.",
        )
    verb_ja, verb_en = ("入社", "joined") if question.kind is Kind.JOINED else ("退職", "left")
    since, until = question.since, first_of(question.until, as_of)
    return Text(
        ja=f"{since} から {until} までに{verb_ja}した{at_ja}人は {total:,} 人です{among_ja}。",
        en=f"From {since} to {until}, {total:,} people {verb_en}{at_en}, {among_en}.",
    )


def _tell_head(ja: str, en: str, people: list[Counted], *, as_of: date) -> Text:
    if not people:
        return Text(
            ja=f"{as_of} 時点の「{ja}」の長は、閲覧できる範囲に登録がありません。",
            en=f"On {as_of}, no head of {en} is recorded that you may see.",
        )
    names_ja = "、".join(f"{one.name}さん" + (f"({one.position})" if one.position else "") for one in people)
    names_en = ", ".join(one.name + (f" ({one.position})" if one.position else "") for one in people)
    return Text(
        ja=f"{as_of} 時点の「{ja}」の長は{names_ja}です。",
        en=f"On {as_of}, {en} is led by {names_en}.",
    )


def _mention(person: Counted, citation: Citation, language: Language) -> Said:
    unit = f" ({person.org_unit})" if person.org_unit else ""
    told = Text(ja=f"{person.name}さん{unit}", en=f"{person.name}{unit}")
    return Said(
        text=told.in_language(language), citations=(citation.number,), document_ids=(citation.document_id,)
    )


def _cite(number: int, row: dict[str, Any], skill: str) -> Citation:
    """The words around the skill, cut at line ends where these are near."""
    body: str = row["body"]
    first, last = _place_of(skill, body)
    return Citation(
        number=number,
        document_id=row["document_id"],
        version_id=row["version_id"],
        title=row["title"],
        headings=tuple(row["headings"]),
        page=row["page"],
        start_char=row["start_char"],
        end_char=row["end_char"],
        body_sha256=row["body_sha256"],
        quote=body[first:last],
        quote_start=row["start_char"] + first,
        quote_end=row["start_char"] + last,
        effective_from=row["effective_from"],
        effective_to=row["effective_to"],
    )


def _place_of(skill: str, body: str) -> tuple[int, int]:
    folded = fold(body)
    # Folding may change lengths; then the whole passage is shown.
    at = -1
    if len(folded) == len(body):
        at = next((place for word in list_words(skill) if (place := folded.find(word)) >= 0), -1)
    if at < 0:
        return 0, len(body)
    begin = max(body.rfind("\n", 0, at) + 1, at - _AROUND)
    line_end = body.find("\n", at)
    end = min(len(body) if line_end < 0 else line_end, at + _AROUND)
    return begin, max(end, at + 1)
