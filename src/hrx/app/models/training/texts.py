"""Texts to learn from, made of the list of skills: CVs in both languages that say a skill or hint at it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from hrx.app.models.lexicon import SKILLS, Skill

_SAYS: Final = (
    "{}の業務を{}年担当しました。",
    "{}を得意としています(経験{}年)。",
    "{} for {} years.",
    "Led {}, team of {}.",
)
_HINTS: Final = (
    "{}に関わる仕事の補助をしました。",
    "日常的に{}があります。",
    "Some {} along the way.",
    "Took part in {}.",
)
_FILLER: Final = (
    "チームで働くことが好きです。",
    "趣味は登山と読書です。",
    "Enjoys working with others.",
    "普通自動車免許を持っています。",
    "Available from next month.",
)
_NAMES: Final = (
    "佐藤 花子",
    "鈴木 一郎",
    "高橋 美咲",
    "田中 健",
    "渡辺 蓮",
    "Emily Carter",
    "John Miller",
    "Aya Kim",
)
_HOMES: Final = (
    "東京都品川区大井1-2-3",
    "大阪府堺市西区4-5",
    "北海道札幌市中央区6-7",
    "12 Hill Road, Leeds",
    "福岡県福岡市早良区8",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Everything that must not count."""

    name: str
    gender: str
    age: int
    address: str

    @property
    def protected(self) -> tuple[str, ...]:
        return (self.name, self.address, f"{self.age}歳")

    @property
    def header(self) -> str:
        return f"氏名: {self.name}\n性別: {self.gender}\n{self.age}歳\n住所: {self.address}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text, who it is of, and the places of the skills that the person has."""

    body: str
    person: Person
    skills: frozenset[int]

    @property
    def text(self) -> str:
        """As a CV has it: the person first, their name once more in the middle."""
        return f"{self.person.header}{self.body}\n{self.person.name}"


def make_person(rng: random.Random) -> Person:
    return Person(
        name=rng.choice(_NAMES),
        gender=rng.choice(("男", "女", "その他")),
        age=rng.randint(20, 69),
        address=rng.choice(_HOMES),
    )


def make_examples(count: int, *, seed: int) -> list[Example]:
    """The same seed makes the same texts."""
    rng = random.Random(seed)  # noqa: S311 - texts, not secrets
    return [_make(rng) for _ in range(count)]


def _make(rng: random.Random) -> Example:
    mine = frozenset(rng.sample(range(len(SKILLS)), rng.choice((0, 1, 1, 2, 2, 3, 4))))
    lines = [line for at in sorted(mine) for line in _say(SKILLS[at], rng)]
    for other in rng.sample(range(len(SKILLS)), rng.randint(0, 2)):
        if other not in mine:
            # Helping out with something is no skill in it.
            lines.append(rng.choice(_HINTS).format(rng.choice(SKILLS[other].hints)))
    lines += rng.sample(_FILLER, rng.randint(0, 3))
    rng.shuffle(lines)
    return Example(body="\n".join(lines), person=make_person(rng), skills=mine)


def _say(skill: Skill, rng: random.Random) -> list[str]:
    """Outright, mostly; sometimes only by two things that go with it."""
    hints = rng.sample(skill.hints, min(len(skill.hints), rng.randint(1, 2)))
    hinted = [rng.choice(_HINTS).format(one) for one in hints]
    if rng.random() < 0.08:
        return hinted
    said = rng.choice(_SAYS).format(rng.choice(skill.terms), rng.randint(2, 15))
    return [said, *(hinted if rng.random() < 0.5 else ())]
