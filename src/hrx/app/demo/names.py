"""Names as frequent as they are among working people in Japan, with readings and Latin letters.

Frequencies are rough ranks, not statistics. Variant characters (髙, 﨑, 邊, 齋) are in on purpose: they are
what breaks software that only knows the common ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final, Literal

import jaconv

Sex = Literal["male", "female"]

#: Whoever was born from this year on was given a newer name.
FASHION_TURNED: Final = 1985
#: kanji:reading:weight
_FAMILY: Final = """
佐藤:さとう:120 鈴木:すずき:115 高橋:たかはし:85 田中:たなか:82 伊藤:いとう:68 渡辺:わたなべ:63
山本:やまもと:66 中村:なかむら:63 小林:こばやし:62 加藤:かとう:54 吉田:よしだ:50 山田:やまだ:49
佐々木:ささき:41 山口:やまぐち:39 松本:まつもと:38 井上:いのうえ:37 木村:きむら:35 林:はやし:33
斎藤:さいとう:30 清水:しみず:33 山崎:やまざき:29 森:もり:28 池田:いけだ:27 橋本:はしもと:27 阿部:あべ:27
石川:いしかわ:25 山下:やました:25 中島:なかじま:24 石井:いしい:24 小川:おがわ:24 前田:まえだ:23
岡田:おかだ:23 長谷川:はせがわ:23 藤田:ふじた:23 後藤:ごとう:22 近藤:こんどう:22 村上:むらかみ:22
遠藤:えんどう:21 青木:あおき:21 坂本:さかもと:21 福田:ふくだ:20 太田:おおた:20 西村:にしむら:19
藤井:ふじい:19 金子:かねこ:18 岡本:おかもと:18 藤原:ふじわら:18 三浦:みうら:18 中野:なかの:18
原田:はらだ:17 松田:まつだ:17 竹内:たけうち:17 小野:おの:17 田村:たむら:17 中山:なかやま:16 和田:わだ:16
石田:いしだ:16 森田:もりた:16 上田:うえだ:15 原:はら:15 柴田:しばた:14 酒井:さかい:14 工藤:くどう:14
横山:よこやま:14 宮崎:みやざき:14 宮本:みやもと:14 内田:うちだ:14 高木:たかぎ:14 安藤:あんどう:13
谷口:たにぐち:13 大野:おおの:13 丸山:まるやま:12 今井:いまい:12 河野:こうの:11 藤本:ふじもと:11
武田:たけだ:11 村田:むらた:11 上野:うえの:11 杉山:すぎやま:11 増田:ますだ:11 平野:ひらの:10
大塚:おおつか:10 千葉:ちば:10 久保:くぼ:10 松井:まつい:10 小島:こじま:9 岩崎:いわさき:9 桜井:さくらい:9
野口:のぐち:9 松尾:まつお:9 野村:のむら:9 木下:きのした:9 菊地:きくち:9 佐野:さの:9 大西:おおにし:8
杉本:すぎもと:8 新井:あらい:8 浜田:はまだ:8 菅原:すがわら:8 市川:いちかわ:8 水野:みずの:8 小松:こまつ:8
島田:しまだ:8 古川:ふるかわ:8 小山:こやま:8 髙橋:たかはし:9 渡邊:わたなべ:8 齋藤:さいとう:7
齊藤:さいとう:5 渡邉:わたなべ:5 髙木:たかぎ:3 山﨑:やまさき:4 濵田:はまだ:2 𠮷田:よしだ:2 廣瀬:ひろせ:3
澤田:さわだ:4 東海林:しょうじ:1 小鳥遊:たかなし:1 服部:はっとり:6 本田:ほんだ:8 五十嵐:いがらし:6
熊谷:くまがい:5 望月:もちづき:5 大久保:おおくぼ:5 早川:はやかわ:5 片山:かたやま:5 桑原:くわばら:4
矢野:やの:5 松浦:まつうら:4 三宅:みやけ:4 真鍋:まなべ:2 仲宗根:なかそね:1 具志堅:ぐしけん:1 比嘉:ひが:2
金城:きんじょう:2
"""
#: kanji:reading:weight, then o for names of those born before 1985, n for later ones.
_MALE: Final = """
誠:まこと:9:o 健一:けんいち:8:o 浩:ひろし:8:o 隆:たかし:8:o 学:まなぶ:5:o 修:おさむ:6:o 浩二:こうじ:7:o
和也:かずや:7:o 哲也:てつや:8:o 大輔:だいすけ:12 健太:けんた:11:n 拓也:たくや:11:n 翔太:しょうた:10:n
直樹:なおき:10 達也:たつや:9 亮:りょう:8 翼:つばさ:4:n 大樹:だいき:7:n 駿:しゅん:5:n 蓮:れん:4:n
悠斗:ゆうと:5:n 陸:りく:4:n 颯太:そうた:4:n 湊:みなと:2:n 樹:いつき:4:n 洋平:ようへい:6:o 淳:じゅん:7:o
剛:つよし:6:o 豊:ゆたか:4:o 実:みのる:4:o 進:すすむ:4:o 勝:まさる:4:o 昭:あきら:3:o 正樹:まさき:5:o
雅之:まさゆき:5:o 秀樹:ひでき:6:o 英樹:ひでき:4:o 裕介:ゆうすけ:7 雄太:ゆうた:6 祐樹:ゆうき:6
慎一:しんいち:5:o 真一:しんいち:5:o 康平:こうへい:5:n 圭佑:けいすけ:4 航平:こうへい:4:n 一樹:かずき:5:n
優:ゆう:4:n 光:ひかる:3:n 晃:あきら:4:o 薫:かおる:2:o 純一:じゅんいち:5:o 義明:よしあき:3:o
俊介:しゅんすけ:5 竜也:たつや:3:n 龍之介:りゅうのすけ:2:n 太郎:たろう:2:o 幸雄:ゆきお:3:o
和彦:かずひこ:5:o
"""
_FEMALE: Final = """
恵子:けいこ:8:o 由美子:ゆみこ:7:o 久美子:くみこ:7:o 真由美:まゆみ:8:o 直美:なおみ:8:o 裕子:ゆうこ:8:o
陽子:ようこ:7:o 智子:ともこ:8:o 美穂:みほ:7 香織:かおり:9:o 麻衣:まい:9:n 愛:あい:9:n 彩:あや:8:n
美咲:みさき:10:n 葵:あおい:6:n 千尋:ちひろ:5:n 遥:はるか:6:n 楓:かえで:4:n 結衣:ゆい:7:n 陽菜:ひな:6:n
凛:りん:4:n さくら:さくら:6:n 七海:ななみ:6:n 優花:ゆうか:5:n 莉子:りこ:5:n 美羽:みう:4:n 舞:まい:6:n
恵:めぐみ:7:o 瞳:ひとみ:5:n 綾香:あやか:6:n 沙織:さおり:6 里美:さとみ:5:o 友美:ともみ:5:o
幸子:さちこ:4:o 洋子:ようこ:5:o 理恵:りえ:6:o 由紀:ゆき:6:o 真理子:まりこ:4:o 明美:あけみ:5:o
奈々:なな:4:n 千夏:ちなつ:4:n 桃子:ももこ:4:n 琴音:ことね:3:n 薫:かおる:3:o 光:ひかり:3:n 渚:なぎさ:3:n
みゆき:みゆき:4 あかり:あかり:4:n 文:ふみ:2:o 小百合:さゆり:3:o 絵里:えり:6
"""
#: Long vowels that are two syllables, and other readings that passport spelling would get wrong.
_LATIN: Final = {
    "いのうえ": "Inoue",
    "まつうら": "Matsuura",
    "たけうち": "Takeuchi",
    "みう": "Miu",
    "ゆうか": "Yuka",
    "まつお": "Matsuo",
    "ゆきお": "Yukio",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeName:
    """One person's name in three scripts."""

    family_kanji: str
    given_kanji: str
    family_kana: str
    given_kana: str
    family_latin: str
    given_latin: str

    def as_dict(self) -> dict[str, str]:
        return {
            "family_kanji": self.family_kanji,
            "given_kanji": self.given_kanji,
            "family_kana": self.family_kana,
            "given_kana": self.given_kana,
            "family_latin": self.family_latin,
            "given_latin": self.given_latin,
        }


@dataclass(frozen=True, slots=True)
class _Pool:
    """Names with their running weights."""

    entries: list[tuple[str, str]]
    weights: list[int]

    def pick(self, chance: random.Random) -> tuple[str, str]:
        return chance.choices(self.entries, cum_weights=self.weights)[0]


def make_name(chance: random.Random, *, sex: Sex, born_year: int = 1985) -> MadeName:
    """A name by chance, common ones more often; given names go with the year of birth."""
    family, family_reading = _pool(_FAMILY, "").pick(chance)
    fashion = "o" if born_year < FASHION_TURNED else "n"
    given, given_reading = _pool(_MALE if sex == "male" else _FEMALE, fashion).pick(chance)
    return MadeName(
        family_kanji=family,
        given_kanji=given,
        family_kana=jaconv.hira2kata(family_reading),
        given_kana=jaconv.hira2kata(given_reading),
        family_latin=spell(family_reading),
        given_latin=spell(given_reading),
    )


@cache
def spell(reading: str) -> str:
    """Hiragana in Latin letters as passports write it: さとう → Sato, ほんだ → Honda, じゅん → Jun."""
    if reading in _LATIN:
        return _LATIN[reading]
    letters = jaconv.kana2alphabet(reading)
    for long, short in (("ou", "o"), ("oo", "o"), ("uu", "u"), ("nb", "mb"), ("nm", "mm"), ("np", "mp")):
        letters = letters.replace(long, short)
    return letters.capitalize()


@cache
def _pool(source: str, fashion: str) -> _Pool:
    """The names of a list that go with a fashion; those without a mark go with any."""
    entries, weights = [], []
    for item in source.split():
        kanji, reading, weight, *marks = item.split(":")
        if not marks or marks[0] == fashion:
            entries.append((kanji, reading))
            weights.append(int(weight))
    return _Pool(entries, list(accumulate(weights)))
