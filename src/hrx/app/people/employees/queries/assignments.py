"""Assignments as people see them: with the names of their unit, position and manager."""

from __future__ import annotations

from typing import Any, Final

from hrx.app.people.employees.names import Locale, display_name

#: One assignment as JSON. Names are those of the day `{on}`: the asked one, or the assignment's first.
ASSIGNMENT_JSON: Final = """
json_build_object(
  'id', a.id, 'employment_id', a.employment_id, 'kind', a.kind,
  'org_unit_id', a.org_unit_id, 'unit_ja', coalesce(v.name_ja, u.code), 'unit_en', coalesce(v.name_en, ''),
  'position_id', a.position_id, 'title_ja', pv.title_ja, 'title_en', pv.title_en,
  'manager_id', a.manager_person_id,
  'm_kanji', concat_ws(' ', nullif(m.family_kanji, ''), nullif(m.given_kanji, '')),
  'm_latin', concat_ws(' ', nullif(m.given_latin, ''), nullif(m.family_latin, '')),
  'm_is_seen', m.id IS NOT NULL, 'grade', t.grade, 'fte', t.fte, 'valid_from', lower(a.valid),
  'valid_to', upper(a.valid), 'known_from', lower(a.known), 'known_to', upper(a.known),
  'change_order_id', a.change_order_id)
"""

#: Where that JSON comes from. Indexes: assignment_of_person, the primary keys and *_of_unit, *_of_position.
ASSIGNMENT_SOURCE: Final = """
app.assignment AS a
JOIN app.org_unit AS u ON u.id = a.org_unit_id
LEFT JOIN app.org_unit_version AS v ON v.org_unit_id = a.org_unit_id AND {known:v} AND v.valid @> {on}
LEFT JOIN app.position_version AS pv ON pv.position_id = a.position_id AND {known:pv} AND pv.valid @> {on}
LEFT JOIN app.person AS m ON m.id = a.manager_person_id
LEFT JOIN app.assignment_terms AS t ON t.assignment_id = a.id
"""


ASSIGNMENT_WORDS: Final = {"assignment_json": ASSIGNMENT_JSON, "assignment_source": ASSIGNMENT_SOURCE}


def shape_assignment(raw: dict[str, Any], *, locale: Locale, is_directory: bool = False) -> dict[str, object]:
    """An assignment in the reader's language.

    For colleagues (`is_directory`) it says nothing of when it ends: that would announce a transfer."""
    is_ja = locale == "ja"
    return {
        "id": raw["id"],
        "employment_id": raw["employment_id"],
        "kind": raw["kind"],
        "org_unit": {
            "id": raw["org_unit_id"],
            "name": raw["unit_ja"] if is_ja else raw["unit_en"] or raw["unit_ja"],
        },
        "position": None
        if raw["position_id"] is None
        else {
            "id": raw["position_id"],
            "title": (raw["title_ja"] if is_ja else raw["title_en"] or raw["title_ja"]) or "",
        },
        "manager": None
        if raw["manager_id"] is None or not raw["m_is_seen"]
        else {
            "id": raw["manager_id"],
            "name": display_name(kanji=raw["m_kanji"], latin=raw["m_latin"], locale=locale),
        },
        "grade": None if is_directory else raw["grade"],
        "fte": None if is_directory else raw["fte"],
        "valid_from": raw["valid_from"],
        "valid_to": None if is_directory else raw["valid_to"],
        "known_from": raw["known_from"],
        "known_to": raw["known_to"],
        "change_order_id": None if is_directory else raw["change_order_id"],
    }
