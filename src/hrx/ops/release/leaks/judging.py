"""Whether what looks like a key is one: entropy, context, and the marks of examples.

Pure: bytes in, candidates out. A value that a reader could have typed or that says it is an example is let
go; when in doubt about a form that only keys have, it is kept."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from hrx.kit.secrets import MASK
from hrx.ops.release.leaks.rules import NAME_BEFORE, RULES, Rule

#: Bits a character. Base64 of random bytes has about 5 at 40 characters, hexadecimal 3.6, words below 3.2.
_MIN_BITS: Final = 3.2
_MIN_BITS_HEX: Final = 3.0
_MIN_TOKEN: Final = 16
#: Sixteen hexadecimal digits are mostly part of a digest.
_MIN_HEX: Final = 24
_MIN_PASSWORD: Final = 10
_MIN_DISTINCT: Final = 6
#: How far before the sign its name is looked for.
_NAME_BYTES: Final = 80
_EXAMPLE: Final = re.compile(
    rb"example|changeme|change[-_]me|placeholder|your[-_]|dummy|sample|redacted|xxxx|insert|"
    rb"0123456789|1234567890|abcdefgh|deadbeef|not[-_]?a[-_]?(?:real|secret)|fake|\.\.\.",
    re.I,
)
_HEX: Final = re.compile(rb"[0-9a-f]+|[0-9A-F]+")
#: What a program writes where a value will stand: attributes, calls, environment look-ups.
_CODE: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
#: Words joined by one separator, with at most one number in them: `token-of-the-benchmark`, `v2_key_name`.
_WORDS: Final = re.compile(rb"[A-Za-z]+(?:[-_./ ][A-Za-z]+)*(?:[-_./]?[0-9]{1,4})?")
#: A name of a class or a variable: at most one number in it, and short.
_NAME: Final = re.compile(rb"[A-Za-z_$]+[0-9]{0,4}[A-Za-z_$]*")
_MAX_NAME: Final = 24
_DIGEST: Final = re.compile(rb"sha(?:1|256|384|512)[-:=]", re.I)
_FINGERPRINT_NAMES: Final = (b"hash", b"digest", b"fingerprint", b"checksum", b"token_type", b"keyword")
_LINE_START: Final = re.compile(rb"[ \t]*(?:export[ \t]+|-[ \t]+|#[ \t]*)?[A-Za-z0-9_.\"'-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that looks like a key. `value` is for fingerprints and is never shown."""

    rule: Rule
    value: bytes = field(repr=False)
    line: int
    mark: str

    @property
    def masked(self) -> str:
        """What may be shown of it: the issuer's mark and how long it is."""
        return f"{self.mark}{MASK} ({len(self.value)})"


def find_candidates(data: bytes, rules: tuple[Rule, ...] = RULES) -> Iterator[Candidate]:
    """Every key in these bytes, once for each place; rules of context do not repeat what a form has found."""
    taken: list[tuple[int, int]] = []
    for rule in rules:
        for found in _match(rule, data):
            span = found.span("value")
            if any(start < span[1] and span[0] < end for start, end in taken):
                continue
            if not _is_key(rule, found, data):
                continue
            taken.append(span)
            mark = "" if rule.is_by_context else (found.groupdict().get("mark") or b"").decode()
            yield Candidate(
                rule=rule,
                value=found["value"],
                line=data.count(b"\n", 0, span[0]) + 1,
                mark=mark if len(mark) < 40 else "",
            )


def measure_bits(value: bytes) -> float:
    """Shannon entropy of the value's own characters, bits a character."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


def _match(rule: Rule, data: bytes) -> Iterator[re.Match[bytes]]:
    if not rule.begins:
        yield from rule.pattern.finditer(data)
    for begin in rule.begins:
        at = data.find(begin)
        while at >= 0:
            found = rule.pattern.match(data, at)
            if found is not None:
                yield found
            at = data.find(begin, found.end() if found else at + 1)


def _is_key(rule: Rule, found: re.Match[bytes], data: bytes) -> bool:
    value = found["value"]
    if rule.id == "private-key":
        return not _EXAMPLE.search(value)
    body = value[len(found.groupdict().get("mark") or b"") :] if not rule.is_by_context else value
    if _EXAMPLE.search(body) or len(set(body)) < _MIN_DISTINCT:
        return False
    if rule.id == "assigned-secret":
        return _is_assigned(found, data)
    if rule.id == "url-password":
        return _looks_made(value, least=_MIN_PASSWORD)
    return True


def _is_assigned(found: re.Match[bytes], data: bytes) -> bool:
    before = data[max(0, found.start() - _NAME_BYTES) : found.start()]
    named, value = NAME_BEFORE.search(before), found["value"].rstrip(b".,;")
    if named is None:
        return False
    name = named["name"].lower()
    if any(word in name for word in _FINGERPRINT_NAMES) or _DIGEST.match(value):
        return False
    if found["open"] is None:
        if found["after"] in (b"(", b"[", b"{", b"$"):
            return False
        if len(value) < _MAX_NAME and _NAME.fullmatch(value):
            return False
        start = data.rfind(b"\n", 0, found.start()) + 1
        is_own_line = _LINE_START.fullmatch(data[start : found.start()].rstrip()) is not None
        # In a program a bare word is a name; `NAME=value` alone on its line is a file of settings.
        if not is_own_line or found["after"].strip() or (found["sign"] == b":" and b"_" in value):
            return False
    elif not found["after"].endswith(found["open"][-1:]):
        return False
    is_password = name.startswith(b"passw")
    return _looks_made(value, least=_MIN_PASSWORD if is_password else _MIN_TOKEN)


def _looks_made(value: bytes, *, least: int) -> bool:
    """Whether a program made this value, or a person who wanted it to be hard to guess."""
    if len(value) < least or _CODE.fullmatch(value) or _WORDS.fullmatch(value):
        return False
    has_digit = any(48 <= byte <= 57 for byte in value)
    has_letter = any(65 <= byte <= 90 or 97 <= byte <= 122 for byte in value)
    if not (has_digit and has_letter):
        return False
    if _HEX.fullmatch(value):
        return len(value) >= _MIN_HEX and measure_bits(value) >= _MIN_BITS_HEX
    if len(value) < _MIN_TOKEN:
        return _count_classes(value) >= 3
    # Short values cannot reach the bits of long ones: log2 of the length is the ceiling.
    return measure_bits(value) >= min(_MIN_BITS, 0.8 * math.log2(len(value))) and _is_mixed(value)


def _is_mixed(value: bytes) -> bool:
    """Letters and digits through each other, as random ones are: a name with a number at its end is not."""
    kinds = [_kind(byte) for byte in value]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= len(value) / 5


def _count_classes(value: bytes) -> int:
    return len({_kind(byte) for byte in value})


def _kind(byte: int) -> int:
    if 48 <= byte <= 57:
        return 0
    if 65 <= byte <= 90:
        return 1
    return 2 if 97 <= byte <= 122 else 3
