"""Addresses: real prefectures and cities with the postal code of the whole city, made-up streets."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

#: site → postal code of the city as a whole, prefecture, city, weight
_CITIES: Final = {
    "yokohama": (
        ("220-0000", "神奈川県", "横浜市西区", 6),
        ("221-0000", "神奈川県", "横浜市神奈川区", 8),
        ("222-0000", "神奈川県", "横浜市港北区", 9),
        ("236-0000", "神奈川県", "横浜市金沢区", 6),
        ("210-0000", "神奈川県", "川崎市川崎区", 7),
        ("238-0000", "神奈川県", "横須賀市", 5),
        ("251-0000", "神奈川県", "藤沢市", 5),
        ("144-0000", "東京都", "大田区", 6),
        ("194-0000", "東京都", "町田市", 4),
    ),
    "osaka": (
        ("530-0000", "大阪府", "大阪市北区", 5),
        ("564-0000", "大阪府", "吹田市", 5),
        ("578-0000", "大阪府", "東大阪市", 6),
        ("662-0000", "兵庫県", "西宮市", 4),
        ("612-0000", "京都府", "京都市伏見区", 2),
    ),
    "kitakami": (
        ("024-0000", "岩手県", "北上市", 9),
        ("025-0000", "岩手県", "花巻市", 5),
        ("023-0000", "岩手県", "奥州市", 3),
    ),
}
_TOWNS: Final = ("汐見台", "みどり野", "星ヶ丘", "東雲町", "若葉台", "千草町", "港南通", "白帆町", "桜並木")
_HOUSES: Final = ("コーポ汐風", "メゾン若葉", "ハイツみなと", "サンライズ星ヶ丘", "グリーンテラス")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAddress:
    postal_code: str
    prefecture: str
    city: str
    line1: str
    line2: str | None


def make_address(chance: random.Random, *, site: str) -> MadeAddress:
    """Somewhere to live near a site; towns and numbers do not exist."""
    cities = _CITIES[site]
    postal_code, prefecture, city, _ = chance.choices(cities, weights=[row[3] for row in cities])[0]
    line1 = f"{chance.choice(_TOWNS)}{chance.randint(1, 7)}-{chance.randint(90, 140)}-{chance.randint(1, 40)}"
    line2 = f"{chance.choice(_HOUSES)}{chance.randint(1, 9)}0{chance.randint(1, 8)}"
    return MadeAddress(
        postal_code=postal_code,
        prefecture=prefecture,
        city=city,
        line1=line1,
        line2=line2 if chance.random() < 0.6 else None,
    )
