"""How recovery stands, in sentences: the command line and the console say the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.positions import AtRisk
from hrx.ops.recovery.standing import Standing

_NOT_KNOWN: Final = Text(ja="分かりません", en="not known")


def say_risk(standing: Standing, risk: AtRisk | None) -> Text:
    """Seconds first; commits when somebody could count them."""
    if risk is None:
        return _NOT_KNOWN
    if not risk.is_known:
        return Text(
            ja=f"少なくとも {_seconds(risk.seconds)} 秒ぶん(何も届いていません)",
            en=f"at least the last {_seconds(risk.seconds)} s (nothing has arrived)",
        )
    commits = risk.commits if risk.commits is not None else "?"
    unseen_s = risk.unseen_s(standing.facts.now)
    late = unseen_s > 5
    return Text(
        ja=f"最大で {_seconds(risk.seconds)} 秒ぶん、{commits} コミット"
        + (f"({unseen_s:.0f} 秒前まで。その後は分かりません)" if late else ""),
        en=f"at most the last {_seconds(risk.seconds)} s, commits: {commits}"
        + (f" (as of {unseen_s:.0f} s ago; nobody knows what came later)" if late else ""),
    )


def say_elsewhere(standing: Standing) -> Text:
    """The same with the whole machine gone: what the copy elsewhere lacks."""
    if standing.facts.elsewhere_url is None:
        return Text(ja="すべて(別の場所に写しがありません)", en="everything (there is no copy elsewhere)")
    risk, state = standing.at_risk_elsewhere, standing.facts.elsewhere
    if state is None or (risk is None and state.covered_at is None):
        return Text(ja="すべて(まだ何も送っていません)", en="everything (nothing was sent yet)")
    if risk is not None:
        return say_risk(standing, risk)
    return _NOT_KNOWN


def say_forecast(standing: Standing) -> Text:
    """How long the way back to the newest moment takes."""
    found = standing.forecast
    if found is None:
        return Text(
            ja="まだ分かりません(最初の復元の確認を待っています)",
            en="not known yet: no backup has been restored",
        )
    return Text(
        ja=f"約 {_seconds(found.seconds)} 秒(展開 {_seconds(found.copying_s)}、"
        f"適用 {_seconds(found.replaying_s)}。直近 {found.restores} 回の復元から)",
        en=f"about {_seconds(found.seconds)} s (unpacking {_seconds(found.copying_s)}, "
        f"replaying {_seconds(found.replaying_s)}; measured restores: {found.restores})",
    )


def say_proven(standing: Standing) -> Text:
    """The newest moment that a restore has really shown."""
    at, one = standing.newest_proven_at, standing.newest_proven
    if at is None or one is None:
        return Text(ja="まだありません", en="nothing yet")
    when = _moment(at, to_second=True)
    return Text(
        ja=f"{when}(バックアップ {one.backup.id} を復元)", en=f"{when} (backup {one.backup.id} was restored)"
    )


def say_coverage(standing: Standing) -> Text:
    """Which moments can be brought back, within the days that are kept; gaps are named."""
    spans, facts = standing.coverage.spans, standing.facts
    if not spans:
        return Text(ja="ありません", en="nothing")
    window = facts.now - timedelta(days=facts.keep_days)
    begin = _moment(max(spans[0].begin, window))
    end = _moment(spans[-1].end, to_second=True)
    gaps = [f"{_moment(one.begin)} - {_moment(one.end)}" for one in standing.coverage.gaps]
    if not gaps:
        return Text(ja=f"{begin} から {end} までのどの時点へも", en=f"every moment from {begin} to {end}")
    shown = ", ".join(gaps[:3])
    return Text(
        ja=f"{begin} から {end} まで。ただし戻せない期間が {len(gaps)} つ: {shown}",
        en=f"{begin} to {end}, but for {len(gaps)} gaps: {shown}",
    )


def say_keys(standing: Standing) -> Text:
    """Whether every key that backups need is here."""
    needed, missing = standing.facts.keys_needed, standing.keys_missing
    if not needed:
        return Text(ja="まだ使われていません", en="none is in use yet")
    if missing:
        return Text(
            ja=f"必要な {len(needed)} 本のうち {len(missing)} 本がありません",
            en=f"{len(missing)} of the {len(needed)} that are needed are missing",
        )
    return Text(
        ja=f"必要な {len(needed)} 本がそろっています({standing.facts.key_file})",
        en=f"all {len(needed)} that are needed are here ({standing.facts.key_file})",
    )


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _moment(at: datetime, *, to_second: bool = False) -> str:
    return at.astimezone().strftime("%m-%d %H:%M:%S %Z" if to_second else "%m-%d %H:%M %Z")
