"""Pydantic's complaints about one field, said in Japanese and English.

Pydantic speaks English only; its error types are stable, so the sentences are chosen by type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hrx.kit.errors import FieldProblem, Text

#: Error type → (Japanese, English); the placeholders are Pydantic's own context values.
_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("入力してください。", "This is required."),
    "extra_forbidden": ("この項目は使えません。", "This field is not known."),
    "json_invalid": ("JSON として読み取れません。", "This is not valid JSON."),
    "string_type": ("文字列で入力してください。", "Give text."),
    "string_unicode": ("正しい文字ではありません。", "This is not valid Unicode text."),
    "string_too_short": (
        "{min_length} 文字以上で入力してください。",
        "Give at least {min_length} characters.",
    ),
    "string_too_long": ("{max_length} 文字以内で入力してください。", "Give at most {max_length} characters."),
    "string_pattern_mismatch": ("形式が正しくありません。", "The format is not right."),
    "int_type": ("整数で入力してください。", "Give a whole number."),
    "int_parsing": ("整数で入力してください。", "Give a whole number."),
    "int_parsing_size": ("数が大きすぎます。", "The number is too large."),
    "int_from_float": ("整数で入力してください。", "Give a whole number."),
    "float_type": ("数値で入力してください。", "Give a number."),
    "float_parsing": ("数値で入力してください。", "Give a number."),
    "decimal_parsing": ("数値で入力してください。", "Give a number."),
    "decimal_type": ("数値で入力してください。", "Give a number."),
    "finite_number": ("数値で入力してください。", "Give a finite number."),
    "bool_type": ("はい/いいえ(true/false)で入力してください。", "Give true or false."),
    "bool_parsing": ("はい/いいえ(true/false)で入力してください。", "Give true or false."),
    "greater_than": ("{gt} より大きい値を入力してください。", "Give more than {gt}."),
    "greater_than_equal": ("{ge} 以上の値を入力してください。", "Give {ge} or more."),
    "less_than": ("{lt} より小さい値を入力してください。", "Give less than {lt}."),
    "less_than_equal": ("{le} 以下の値を入力してください。", "Give {le} or less."),
    "date_type": ("日付(YYYY-MM-DD)で入力してください。", "Give a date (YYYY-MM-DD)."),
    "date_parsing": ("日付(YYYY-MM-DD)で入力してください。", "Give a date (YYYY-MM-DD)."),
    "date_from_datetime_parsing": ("日付(YYYY-MM-DD)で入力してください。", "Give a date (YYYY-MM-DD)."),
    "date_from_datetime_inexact": ("日付(YYYY-MM-DD)で入力してください。", "Give a date (YYYY-MM-DD)."),
    "datetime_type": ("日時(RFC 3339)で入力してください。", "Give a date and time (RFC 3339)."),
    "datetime_parsing": ("日時(RFC 3339)で入力してください。", "Give a date and time (RFC 3339)."),
    "datetime_from_date_parsing": ("日時(RFC 3339)で入力してください。", "Give a date and time (RFC 3339)."),
    "timezone_aware": ("時差(+09:00 など)を付けてください。", "Add the offset from UTC (such as +09:00)."),
    "enum": ("選択肢にない値です(使える値: {expected})。", "Choose one of: {expected}."),
    "literal_error": ("選択肢にない値です(使える値: {expected})。", "Choose one of: {expected}."),
    "list_type": ("一覧(配列)で入力してください。", "Give a list."),
    "dict_type": ("オブジェクトで入力してください。", "Give an object."),
    "model_type": ("オブジェクトで入力してください。", "Give an object."),
    "model_attributes_type": ("オブジェクトで入力してください。", "Give an object."),
    "too_long": ("{max_length} 件以内で入力してください。", "Give at most {max_length} items."),
    "too_short": ("{min_length} 件以上で入力してください。", "Give at least {min_length} items."),
}
_FALLBACK: Final = ("正しい値ではありません。", "This value is not valid.")
#: The first part of Pydantic's location says where the value stood, which people do not ask about.
_PLACES: Final = frozenset({"body", "query", "path", "header", "cookie"})


def describe_field_problem(error: Mapping[str, Any]) -> FieldProblem:
    """One entry of RequestValidationError.errors() for people, without echoing what they sent."""
    code = str(error.get("type", "invalid"))
    context = error.get("ctx") or {}
    return FieldProblem(field=_field_name(error.get("loc", ())), code=code, message=_message(code, context))


def _field_name(location: tuple[object, ...]) -> str:
    parts = [str(part) for part in location]
    if parts and parts[0] in _PLACES:
        parts = parts[1:]
    # A name the caller made up may hold half a character, or be very long.
    return ".".join(parts).encode("utf-8", "replace").decode()[:200] or "body"


def _message(code: str, context: Mapping[str, Any]) -> Text:
    if isinstance(context.get("ja"), str) and isinstance(context.get("en"), str):
        # Raised by a validator of ours through problems.field_error.
        return Text(ja=context["ja"], en=context["en"])
    ja, en = _SENTENCES.get(code, _FALLBACK)
    try:
        return Text(ja=ja.format_map(context), en=en.format_map(context))
    except (KeyError, IndexError):
        return Text(ja=_FALLBACK[0], en=_FALLBACK[1])
