"""The names of everybody, for those who must recognise them in a text (masking)."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import fetch_dicts

_NAMES: Final = """
SELECT DISTINCT x.family, x.given
FROM app.person AS p
CROSS JOIN LATERAL (VALUES (p.family_kanji, p.given_kanji), (p.family_kana, p.given_kana),
                           (p.family_latin, p.given_latin)) AS x (family, given)
WHERE x.family <> '' OR x.given <> ''
"""


async def list_name_pairs(session: AsyncSession) -> list[tuple[str, str]]:
    """Family and given names in each script, of everybody whom the principal may see."""
    return [(row["family"], row["given"]) for row in await fetch_dicts(session, _NAMES, {})]
