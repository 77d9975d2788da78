"""What is wrong with the settings of each environment, and between them. Pure: snapshots in, findings out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from itertools import combinations
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.environments.ages import Age
from hrx.ops.release.environments.pushing import DEVELOPMENT_ONLY, GIVEN_AT_START
from hrx.ops.release.environments.schema import KnownSetting, Plane
from hrx.ops.release.environments.snapshots import Snapshot
from hrx.ops.release.releases import Environment


class Trouble(StrEnum):
    """What can be wrong with one name."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    UNUSED = "unused"
    DEVELOPMENT_ONLY = "development_only"
    SHARED = "shared"
    REUSED = "reused"
    WEAK = "weak"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFinding:
    """One thing that is wrong. A serious one stops a release to that environment."""

    trouble: Trouble
    environment: Environment
    name: str
    says: Text
    is_serious: bool


_BY_WEIGHT: Final = (Environment.PRODUCTION, Environment.STAGING, Environment.DEVELOPMENT)
#: Without the second, the first has no effect.
_NEEDS: Final[Mapping[str, str]] = {
    "HRX_SLACK_SIGNING_SECRET": "HRX_SLACK_BOT_TOKEN",
    "HRX_SMTP_USER": "HRX_SMTP_HOST",
    "HRX_SMTP_PASSWORD": "HRX_SMTP_USER",
    "HRX_WEBHOOK_URL": "HRX_WEBHOOK_SECRET",
    "HRX_WEBHOOK_SECRET": "HRX_WEBHOOK_URL",
    "HRX_OFFSITE_ACCESS_KEY_ID": "HRX_OFFSITE_SECRET_ACCESS_KEY",
    "HRX_OFFSITE_SECRET_ACCESS_KEY": "HRX_OFFSITE_ACCESS_KEY_ID",
    "HRX_DNS_ACCESS_KEY_ID": "HRX_DNS_SECRET_ACCESS_KEY",
    "HRX_DNS_SECRET_ACCESS_KEY": "HRX_DNS_ACCESS_KEY_ID",
    "HRX_STRIPE_WEBHOOK_SECRET": "HRX_STRIPE_API_KEY",
    "HRX_LLM_API_KEY": "HRX_LLM_URL",
    "HRX_VAULT_TOKEN": "HRX_VAULT_URL",
    "HRX_VAULT_URL": "HRX_VAULT_TOKEN",
}
#: One role on two servers: its password is the same on both.
_SAME_ROLE: Final = (frozenset({"HRX_OPS_DATABASE_URL", "HRX_STANDBY_DATABASE_URL"}),)


def judge_matrix(
    snapshots: Mapping[Environment, Snapshot],
    *,
    known: Mapping[str, KnownSetting],
    ages: Mapping[Environment, Mapping[str, Age]],
    now: datetime,
) -> tuple[SettingFinding, ...]:
    """Every finding, serious ones first; an environment without a snapshot has none."""
    found: list[SettingFinding] = []
    for snapshot in snapshots.values():
        found += _judge_names(snapshot, known)
        found += _judge_values(snapshot, known)
        found += _judge_ages(snapshot.environment, ages.get(snapshot.environment, {}), now)
    # Of two that share a secret, the one that loses more by it is told.
    for one, other in combinations([each for each in _BY_WEIGHT if each in snapshots], 2):
        found += _judge_shared(snapshots[one], snapshots[other])
    return tuple(sorted(found, key=lambda item: (not item.is_serious, item.environment, item.name)))


def _judge_names(snapshot: Snapshot, known: Mapping[str, KnownSetting]) -> Iterator[SettingFinding]:
    for setting in known.values():
        is_there = setting.name in snapshot.entries or setting.name in snapshot.derives
        if setting.is_required and not is_there and setting.name not in GIVEN_AT_START:
            yield _finding(
                Trouble.MISSING,
                snapshot,
                setting.name,
                ja="必須ですが、ありません",
                en="is required and missing",
            )
    for name in snapshot.entries:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.8)
            yield _finding(
                Trouble.UNKNOWN,
                snapshot,
                name,
                ja=f"どのプログラムも知らない名前です{f'({near[0]} の誤りでは)' if near else ''}",
                en=f"is known to no program{f'; {near[0]} is meant, perhaps' if near else ''}",
                is_serious=False,
            )
        else:
            yield from _judge_use(snapshot, known[name])


def _judge_use(snapshot: Snapshot, setting: KnownSetting) -> Iterator[SettingFinding]:
    name = setting.name
    if name in DEVELOPMENT_ONLY and snapshot.environment is Environment.PRODUCTION:
        yield _finding(
            Trouble.DEVELOPMENT_ONLY,
            snapshot,
            name,
            ja="開発用の設定が本番にあります",
            en="is for development and set in production",
        )
    partner = _NEEDS.get(name)
    if partner is not None and partner not in snapshot.entries:
        yield _unused(
            snapshot, name, ja=f"{partner} がないので効きません", en=f"has no effect without {partner}"
        )
    elif setting.planes == {Plane.MACHINE} and not snapshot.is_machine and name != "HRX_OWNER_DATABASE_URL":
        yield _unused(
            snapshot, name, ja="`make up` だけが読む名前です", en="is read by `make up` alone, not there"
        )


def _judge_values(snapshot: Snapshot, known: Mapping[str, KnownSetting]) -> Iterator[SettingFinding]:
    holders: dict[str, list[str]] = defaultdict(list)
    for name, entry in snapshot.entries.items():
        if entry.is_weak:
            yield _finding(
                Trouble.WEAK,
                snapshot,
                name,
                ja="短いか、推測できる値です",
                en="is short, or can be guessed",
                is_serious=snapshot.environment is not Environment.DEVELOPMENT,
            )
        for fingerprint in entry.inner:
            holders[fingerprint].append(name)
    for names in holders.values():
        # An address holds the very password that `make up` made for it.
        apart = sorted({name for name in names if name not in known or known[name].planes != {Plane.MACHINE}})
        if len(apart) > 1 and frozenset(apart) not in _SAME_ROLE:
            yield _finding(
                Trouble.REUSED,
                snapshot,
                apart[0],
                ja=f"同じ秘密が {'、'.join(apart[1:])} にも使われています",
                en=f"is the same secret as {', '.join(apart[1:])}",
                is_serious=False,
            )


def _judge_ages(environment: Environment, ages: Mapping[str, Age], now: datetime) -> Iterator[SettingFinding]:
    for age in ages.values():
        if age.is_due(now):
            yield SettingFinding(
                trouble=Trouble.TOO_OLD,
                environment=environment,
                name=age.name,
                says=Text(
                    ja=f"{age.days(now)} 日間同じです(期限 {age.max_days} 日)",
                    en=f"has been the same for {age.days(now)} days (limit {age.max_days})",
                ),
                is_serious=False,
            )


def _judge_shared(one: Snapshot, other: Snapshot) -> Iterator[SettingFinding]:
    """A secret of one environment that opens another: whoever reads the weaker one holds both."""
    if one.key_id != other.key_id:
        return
    elsewhere = {fingerprint: name for name, entry in other.entries.items() for fingerprint in entry.inner}
    for name, entry in one.entries.items():
        partners = sorted({elsewhere[part] for part in entry.inner if part in elsewhere})
        if partners:
            yield _finding(
                Trouble.SHARED,
                one,
                name,
                ja=f"同じ秘密が {other.environment}({'、'.join(partners)})でも使われています",
                en=f"is the same secret as {', '.join(partners)} of {other.environment}",
            )


def _unused(snapshot: Snapshot, name: str, *, ja: str, en: str) -> SettingFinding:
    return _finding(Trouble.UNUSED, snapshot, name, ja=ja, en=en, is_serious=False)


def _finding(
    trouble: Trouble, snapshot: Snapshot, name: str, *, ja: str, en: str, is_serious: bool = True
) -> SettingFinding:
    return SettingFinding(
        trouble=trouble,
        environment=snapshot.environment,
        name=name,
        says=Text(ja=ja, en=en),
        is_serious=is_serious,
    )
