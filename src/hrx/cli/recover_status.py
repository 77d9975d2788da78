"""`hrx recover status`: what would be lost, how long a way back takes, and whether the backups are proven."""

from __future__ import annotations

from dataclasses import asdict

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.recover_elsewhere import this_site
from hrx.cli.recover_managed import is_managed, show_status
from hrx.kit.errors import Text
from hrx.ops.recovery.forecasting import METHOD
from hrx.ops.recovery.positions import AtRisk
from hrx.ops.recovery.standing import BackupStanding, Standing, read_standing
from hrx.ops.recovery.troubles import Trouble, list_troubles
from hrx.ops.recovery.wal import format_lsn
from hrx.ops.recovery.wording import (
    say_coverage,
    say_elsewhere,
    say_forecast,
    say_keys,
    say_proven,
    say_risk,
)

_SHOWN = 10


def status(as_json: AsJson = False) -> None:
    """What would be lost now, how long the way back takes, what is proven. Exit code 1: in trouble."""
    site = this_site()
    if is_managed(site):
        show_status(site, as_json=as_json)
        return
    standing = read_standing(site)
    troubles = list_troubles(standing)
    if as_json:
        output.show_json({"engine": site.settings.backup_engine, **tell(standing, troubles)})
    else:
        if site.settings.backup_engine == "pgbackrest":
            way = Text(
                ja=f"pgBackRest({site.settings.pgbackrest_stanza})のバックアップと、HRX-AI の変更記録",
                en=f"Backups of pgBackRest ({site.settings.pgbackrest_stanza}), change records of HRX-AI",
            )
            output.show_facts([(Text(ja="方法", en="Way"), output.say(way))])
        _show(standing, troubles)
    if any(one.is_grave for one in troubles):
        raise typer.Exit(output.FAILED)


def tell(standing: Standing, troubles: list[Trouble]) -> dict[str, object]:
    """The picture as plain JSON."""
    facts, coverage = standing.facts, standing.coverage
    position = facts.position
    return {
        "at": facts.now,
        "is_kept": standing.is_kept,
        "at_risk": _tell_risk(standing, standing.at_risk),
        "at_risk_elsewhere": _tell_risk(standing, standing.at_risk_elsewhere),
        "database": {
            "answers": position.answers,
            "seen_at": position.seen_at,
            "system_identifier": position.system_identifier,
            "timeline": position.timeline,
            "flushed_lsn": format_lsn(position.flushed_lsn),
            "received_lsn": format_lsn(position.received_lsn) if position.received_lsn is not None else None,
            "is_receiving": position.is_receiving,
        }
        if position
        else None,
        "forecast": {**asdict(standing.forecast), "method": METHOD} if standing.forecast else None,
        "newest_proven_at": standing.newest_proven_at,
        "backups": [_tell_backup(one) for one in standing.backups],
        "coverage": [asdict(one) for one in coverage.spans],
        "gaps": [asdict(one) for one in coverage.gaps],
        "holes": [
            {"first": one.first.name, "last": one.last.name, "count": one.count} for one in coverage.holes
        ],
        "elsewhere": facts.elsewhere and asdict(facts.elsewhere),
        "keys_needed": sorted(facts.keys_needed),
        "keys_missing": sorted(standing.keys_missing),
        "spool": asdict(facts.spool),
        "troubles": [asdict(one) for one in troubles],
    }


def _tell_risk(standing: Standing, risk: AtRisk | None) -> dict[str, object] | None:
    if risk is None:
        return None
    return {**asdict(risk), "seconds": round(risk.seconds, 3), "unseen_s": risk.unseen_s(standing.facts.now)}


def _tell_backup(one: BackupStanding) -> dict[str, object]:
    backup, proof = one.backup, one.proof
    return {
        "id": backup.id,
        "kind": backup.kind,
        "parent": backup.parent,
        "began_at": backup.began_at,
        "ended_at": backup.ended_at,
        "data_bytes": backup.data_bytes,
        "stored_bytes": backup.stored_bytes,
        "state": one.state,
        "proven_at": proof.ended_at if proof else None,
        "proof_seconds": dict(proof.seconds) if proof else None,
        "why": proof.why_not() if proof else None,
    }


def _show(standing: Standing, troubles: list[Trouble]) -> None:
    facts = standing.facts
    output.show_facts(
        [
            (Text(ja="いま失えば", en="Lost now"), output.say(say_risk(standing, standing.at_risk))),
            (Text(ja="機械ごと失えば", en="With the machine"), output.say(say_elsewhere(standing))),
            (Text(ja="戻すのにかかる", en="Way back"), output.say(say_forecast(standing))),
            (Text(ja="確かめた時点", en="Proven up to"), output.say(say_proven(standing))),
            (Text(ja="戻せる期間", en="Restorable"), output.say(say_coverage(standing))),
            (Text(ja="鍵", en="Keys"), output.say(say_keys(standing))),
        ]
    )
    if facts.backups:
        columns = (
            Text(ja="バックアップ", en="Backup"),
            Text(ja="取った日時", en="Taken"),
            Text(ja="種類", en="Kind"),
            Text(ja="大きさ", en="Size"),
            Text(ja="状態", en="State"),
        )
        print()
        output.show_table(columns, [_row(one) for one in reversed(standing.backups[-_SHOWN:])])
        if len(standing.backups) > _SHOWN:
            more = len(standing.backups) - _SHOWN
            print(output.say(Text(ja=f"ほか {more} 件(`--json` で全部)", en=f"and {more} more (`--json`)")))
    print()
    if not troubles:
        print("✓ " + output.say(Text(ja="問題はありません", en="All is well")))
    for one in troubles:
        print(f"{'✗' if one.is_grave else '⚠'} {output.say(one.said)}")
        print(f"  → `{one.next}`")


def _row(one: BackupStanding) -> list[str]:
    backup = one.backup
    return [
        backup.id,
        output.moment(backup.ended_at),
        output.word("backup_kind", backup.kind),
        _megabytes(backup.stored_bytes),
        output.word("backup_state", one.state),
    ]


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
