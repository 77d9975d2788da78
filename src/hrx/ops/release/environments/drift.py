"""How two environments differ, or one from itself earlier. Only fingerprints are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Conflict, Text
from hrx.ops.release.environments.pushing import GIVEN_AT_START
from hrx.ops.release.environments.schema import KnownSetting
from hrx.ops.release.environments.snapshots import Snapshot


class Difference(StrEnum):
    """How one name stands in two places."""

    SAME = "same"
    DIFFERENT = "different"
    ONLY_FIRST = "only_first"
    ONLY_SECOND = "only_second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One name in two places. `is_wanted` is True when it should be just so."""

    name: str
    difference: Difference
    is_secret: bool
    is_wanted: bool


#: By their unit, or by themselves: what names a place or a size is each environment's own.
_OWN_UNITS: Final = frozenset({"URL", "path", "port", "ports", "IP address", "address"})
_OWN_NAMES: Final = frozenset({"HRX_ENVIRONMENT", "HRX_COMMIT", "HRX_SLOT", "HRX_DEMO", "HRX_LANGUAGE"})


def compare(first: Snapshot, second: Snapshot, *, known: Mapping[str, KnownSetting]) -> tuple[Drift, ...]:
    """Every name that is set in one of them, those that should not be so first.

    Two snapshots of one environment should be the same in everything; of two environments, every secret
    should differ and every other setting be the same, other than places. Raises Conflict for two keys."""
    if first.key_id != second.key_id:
        raise Conflict(
            Text(
                ja="二つの書き出しは別の鍵で作られており、比べられません",
                en="They were made with two keys, and do not compare",
            ),
            hint=Text(
                ja="HRX_FINGERPRINT_KEY_FILE に同じ鍵を置いて、書き出し直してください。",
                en="Put the same key at HRX_FINGERPRINT_KEY_FILE in both places and export anew.",
            ),
            code="settings.other_key",
        )
    names = sorted({*first.entries, *second.entries} - GIVEN_AT_START)
    is_one = first.environment is second.environment
    found = [_compare_name(name, first, second, known=known.get(name), is_one=is_one) for name in names]
    return tuple(sorted(found, key=lambda drift: (drift.is_wanted, drift.name)))


def _compare_name(
    name: str, first: Snapshot, second: Snapshot, *, known: KnownSetting | None, is_one: bool
) -> Drift:
    one, other = first.entries.get(name), second.entries.get(name)
    is_secret = known is None or known.is_secret
    if one is None or other is None:
        difference = Difference.ONLY_SECOND if one is None else Difference.ONLY_FIRST
        absent = first if one is None else second
        is_wanted = not is_one and (name in absent.derives or _is_of_machine(known))
    elif one.fingerprint == other.fingerprint:
        difference = Difference.SAME
        is_wanted = is_one or not is_secret or not one.inner
    else:
        difference = Difference.DIFFERENT
        # Two addresses may differ and still share their password.
        shares = bool(set(one.inner) & set(other.inner))
        is_wanted = not is_one and ((is_secret and not shares) or _is_own(name, known))
    return Drift(name=name, difference=difference, is_secret=is_secret, is_wanted=is_wanted)


def _is_own(name: str, known: KnownSetting | None) -> bool:
    return known is not None and not known.is_secret and (name in _OWN_NAMES or known.unit in _OWN_UNITS)


def _is_of_machine(known: KnownSetting | None) -> bool:
    return known is not None and {plane.value for plane in known.planes} == {"machine"}
