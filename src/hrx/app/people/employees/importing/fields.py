"""The catalogue of what a people file may hold: one field per column, named in both languages.

Guessing columns, templates, validation and exports all read this one list, so they cannot disagree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.app.people.employees.importing.choices import ASSIGNMENT_KINDS, EMPLOYMENT_KINDS, GENDERS, Choice
from hrx.kit.errors import Text


class FieldKind(StrEnum):
    """How the text of a cell is understood."""

    CODE = "code"
    NAME = "name"
    KANA = "kana"
    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    POSTAL_CODE = "postal_code"
    DATE = "date"
    END_DATE = "end_date"
    CHOICE = "choice"
    RATIO = "ratio"
    ORG_UNIT = "org_unit"


class FieldGroup(StrEnum):
    """What a field describes: the person, one employment spell, or one assignment in it."""

    PERSON = "person"
    EMPLOYMENT = "employment"
    ASSIGNMENT = "assignment"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing a column may be mapped to. `synonyms` are other headers seen for it, in any language."""

    name: str
    label: Text
    kind: FieldKind
    group: FieldGroup
    example: str
    synonyms: tuple[str, ...]
    max_length: int
    choices: tuple[Choice, ...]
    #: Whether templates and exports have a column for it; the others are only understood when met.
    is_template: bool


def _field(
    group: FieldGroup,
    name: str,
    ja: str,
    en: str,
    *,
    kind: FieldKind = FieldKind.TEXT,
    example: str = "",
    synonyms: str = "",
    max_length: int = 200,
    choices: tuple[Choice, ...] = (),
    is_template: bool = True,
) -> Field:
    return Field(
        name=name,
        label=Text(ja=ja, en=en),
        kind=kind,
        group=group,
        example=example,
        synonyms=tuple(item for item in synonyms.split("|") if item),
        max_length=max_length,
        choices=choices,
        is_template=is_template,
    )


def _person_fields() -> tuple[Field, ...]:
    group = FieldGroup.PERSON
    name, kana = FieldKind.NAME, FieldKind.KANA
    return (
        _field(
            group,
            "employee_number",
            "社員番号",
            "Employee number",
            kind=FieldKind.CODE,
            max_length=50,
            example="00123",
            synonyms="従業員番号|社員no|社員コード|従業員コード|社員id|職員番号|番号|employee no|employee id"
            "|emp no|emp id|staff number|staff id",
        ),
        _field(
            group,
            "family_kanji",
            "姓",
            "Family name",
            kind=name,
            max_length=100,
            example="髙橋",
            synonyms="苗字|名字|氏|姓(漢字)|last name|surname|family name (kanji)",
        ),
        _field(
            group,
            "given_kanji",
            "名",
            "Given name",
            kind=name,
            max_length=100,
            example="美咲",
            synonyms="名前(名)|名(漢字)|first name|given name (kanji)",
        ),
        _field(
            group,
            "full_kanji",
            "氏名",
            "Name",
            kind=name,
            is_template=False,
            example="髙橋 美咲",
            synonyms="名前|社員名|従業員名|お名前|姓名|氏名(漢字)|full name|employee name",
        ),
        _field(
            group,
            "family_kana",
            "セイ",
            "Family name (kana)",
            kind=kana,
            max_length=100,
            example="タカハシ",
            synonyms="せい|姓(カナ)|姓カナ|姓(フリガナ)|姓フリガナ|ミョウジ|family kana",
        ),
        _field(
            group,
            "given_kana",
            "メイ",
            "Given name (kana)",
            kind=kana,
            max_length=100,
            example="ミサキ",
            synonyms="めい|名(カナ)|名カナ|名(フリガナ)|名フリガナ|given kana",
        ),
        _field(
            group,
            "full_kana",
            "フリガナ",
            "Name (kana)",
            kind=kana,
            is_template=False,
            example="タカハシ ミサキ",
            synonyms="ふりがな|氏名カナ|氏名(カナ)|カナ氏名|カナ|氏名フリガナ|kana|furigana",
        ),
        _field(
            group,
            "family_latin",
            "姓(ローマ字)",
            "Family name (Latin)",
            kind=name,
            max_length=100,
            example="Takahashi",
            synonyms="姓(英字)|姓ローマ字|ローマ字姓|family name romaji|last name (latin)",
        ),
        _field(
            group,
            "given_latin",
            "名(ローマ字)",
            "Given name (Latin)",
            kind=name,
            max_length=100,
            example="Misaki",
            synonyms="名(英字)|名ローマ字|ローマ字名|given name romaji|first name (latin)",
        ),
        _field(
            group,
            "work_email",
            "メールアドレス",
            "Work e-mail",
            kind=FieldKind.EMAIL,
            max_length=254,
            example="misaki.takahashi@example.co.jp",
            synonyms="メール|eメール|e-mail|email|mail|会社メール|会社メールアドレス|社用メール|work email"
            "|email address",
        ),
    )


def _employment_fields() -> tuple[Field, ...]:
    group = FieldGroup.EMPLOYMENT
    return (
        _field(
            group,
            "hired_on",
            "入社日",
            "Hired on",
            kind=FieldKind.DATE,
            example="2024-04-01",
            synonyms="入社年月日|雇用開始日|採用日|hire date|hired|start date|date of hire",
        ),
        _field(
            group,
            "left_on",
            "退職日",
            "Left on",
            kind=FieldKind.END_DATE,
            synonyms="退職年月日|離職日|退社日|leave date|termination date|end of employment",
        ),
        _field(
            group,
            "employment_kind",
            "雇用形態",
            "Employment type",
            kind=FieldKind.CHOICE,
            example="正社員",
            choices=EMPLOYMENT_KINDS,
            synonyms="雇用区分|社員区分|従業員区分|employment kind|contract type",
        ),
    )


def _assignment_fields() -> tuple[Field, ...]:
    group = FieldGroup.ASSIGNMENT
    return (
        _field(
            group,
            "valid_from",
            "適用日",
            "Effective on",
            kind=FieldKind.DATE,
            example="2024-04-01",
            synonyms="発令日|適用開始日|異動日|開始日|有効開始日|effective date|valid from|from date",
        ),
        _field(
            group,
            "valid_to",
            "適用終了日",
            "Effective until",
            kind=FieldKind.END_DATE,
            synonyms="終了日|有効終了日|兼務終了日|end date|valid to|to date",
        ),
        _field(
            group,
            "assignment_kind",
            "主務・兼務",
            "Primary or concurrent",
            kind=FieldKind.CHOICE,
            example="主務",
            choices=ASSIGNMENT_KINDS,
            synonyms="所属区分|本務兼務|主兼区分|兼務区分|主務/兼務|assignment type|assignment kind",
        ),
        _field(
            group,
            "org_unit_code",
            "部署コード",
            "Org unit code",
            kind=FieldKind.CODE,
            max_length=50,
            synonyms="組織コード|所属コード|department code|dept code|dept no|unit code",
        ),
        _field(
            group,
            "org_unit",
            "部署",
            "Org unit",
            kind=FieldKind.ORG_UNIT,
            max_length=1000,
            example="営業本部/第一営業部",
            synonyms="所属|部門|部署名|組織|所属部署|配属先|department|dept|division|organization"
            "|organisation|team|section",
        ),
        _field(
            group,
            "position",
            "役職",
            "Position",
            example="課長",
            synonyms="役職名|職位|ポジション|肩書|肩書き|職名|title|job title",
        ),
        _field(
            group,
            "manager_number",
            "上長の社員番号",
            "Manager's employee number",
            kind=FieldKind.CODE,
            max_length=50,
            example="00045",
            synonyms="上長|上司|直属上司|上司社員番号|上長番号|評価者|manager|manager number|manager id"
            "|reports to|supervisor",
        ),
        _field(
            group,
            "grade",
            "等級",
            "Grade",
            max_length=50,
            example="G4",
            synonyms="グレード|資格等級|職能等級|job grade|level",
        ),
        _field(
            group,
            "fte",
            "稼働率",
            "FTE",
            kind=FieldKind.RATIO,
            example="1.00",
            synonyms="勤務割合|工数|配分率|従事割合|full-time equivalent",
        ),
    )


def _private_fields() -> tuple[Field, ...]:
    group = FieldGroup.PRIVATE
    return (
        _field(
            group,
            "birth_on",
            "生年月日",
            "Date of birth",
            kind=FieldKind.DATE,
            example="1990-05-01",
            synonyms="誕生日|birth date|birthday|dob|birthdate",
        ),
        _field(
            group,
            "gender",
            "性別",
            "Gender",
            kind=FieldKind.CHOICE,
            choices=GENDERS,
            example="女性",
            synonyms="sex",
        ),
        _field(
            group,
            "postal_code",
            "郵便番号",
            "Postal code",
            kind=FieldKind.POSTAL_CODE,
            max_length=16,
            example="220-0012",
            synonyms="〒|zip|zip code|postcode",
        ),
        _field(
            group,
            "prefecture",
            "都道府県",
            "Prefecture",
            example="神奈川県",
            synonyms="住所(都道府県)|state|province",
        ),
        _field(
            group, "city", "市区町村", "City", example="横浜市西区", synonyms="住所(市区町村)|市町村|town"
        ),
        _field(
            group,
            "address_line1",
            "番地",
            "Address line 1",
            example="みなとみらい99-9",
            synonyms="町名・番地|丁目番地|住所1|住所|address|address 1|street",
        ),
        _field(
            group,
            "address_line2",
            "建物名",
            "Address line 2",
            example="みなとハイツ101",
            synonyms="建物名・部屋番号|建物|住所2|address 2|building",
        ),
        _field(
            group,
            "personal_email",
            "個人メールアドレス",
            "Personal e-mail",
            kind=FieldKind.EMAIL,
            max_length=254,
            example="misaki@example.jp",
            synonyms="個人メール|私用メール|personal email|private email",
        ),
        _field(
            group,
            "personal_phone",
            "個人電話番号",
            "Personal phone",
            kind=FieldKind.PHONE,
            max_length=40,
            example="090-0000-0000",
            synonyms="電話番号|携帯電話|携帯番号|電話|携帯|phone|mobile|tel|phone number",
        ),
    )


FIELDS: Final = (*_person_fields(), *_employment_fields(), *_assignment_fields(), *_private_fields())
BY_NAME: Final[dict[str, Field]] = {field.name: field for field in FIELDS}

#: A cell holding one of these empties the stored value; a blank cell leaves it as it is.
CLEAR_MARKS: Final[frozenset[str]] = frozenset({"(なし)", "（なし）", "(none)", "(clear)"})
#: What an export writes for "open end" is an empty cell; these also mean it.
OPEN_ENDS: Final[frozenset[str]] = frozenset({"9999-12-31", "9999-01-01"})
