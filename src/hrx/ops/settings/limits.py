"""How often the console looks, how long it waits, and how long a word or a lock is valid."""

from __future__ import annotations

from hrx.kit.settings import Settings, setting


class LimitSettings(Settings):
    """Intervals, graces and time limits."""

    rules_look_interval_s: float = setting(
        5.0,
        ja="アラート規則が見えているかを確かめる間隔",
        en="How often the console asks whether every alert rule can see",
        unit="s",
        ge=1,
        le=300,
    )
    rules_blind_grace_s: float = setting(
        10.0,
        ja="規則が見えなくなってから知らせるまで待つ時間。部品の再起動を見逃すため",
        en="How long a rule may be blind before that is told; lets the restart of a part pass",
        unit="s",
        ge=0,
        le=600,
    )
    rules_start_grace_s: float = setting(
        60.0,
        ja="コンソールが始まってから、まだ一度も見えていない規則と届いていない見張り番を待つ時間",
        en="How long after its start the console waits for rules that never saw, and for the watchdog",
        unit="s",
        ge=0,
        le=3600,
    )
    look_interval_s: float = setting(
        2.0,
        ja="コンソールが全部品を見る間隔",
        en="How often the console looks at every part",
        unit="s",
        ge=0.2,
        le=60,
    )
    look_timeout_s: float = setting(
        1.5,
        ja="部品を1回見るときの制限時間。過ぎたら「応答なし」とする",
        en="Time limit of one look at one part; later counts as no answer",
        unit="s",
        ge=0.05,
        le=30,
    )
    lock_margin_s: float = setting(
        30.0,
        ja="ロックの期限を手順の制限時間よりどれだけ長く取るか",
        en="How much longer than a step's time limit its lock lives",
        unit="s",
        ge=1,
    )
    approval_valid_s: int = setting(
        3600, ja="承認が有効な時間", en="How long an approval stays valid", unit="s", ge=60
    )
