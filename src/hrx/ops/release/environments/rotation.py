"""How a secret of each kind is replaced with two valid at once: who does what, and what counts at each step.

A plan is data. It is sound when whatever is in use is accepted at every step, and between any two of them;
`find_gap` says where that breaks. What a procedure does is named; what only the issuer's own page can do is
said to the operator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.release.environments.schema import find_known


class Key(StrEnum):
    """The secret before and after."""

    OLD = "old"
    NEW = "new"


class Who(StrEnum):
    """Who does a step."""

    PROCEDURE = "procedure"
    OPERATOR = "operator"
    ISSUER = "issuer"


class SecretKind(StrEnum):
    """Who makes the secret and who checks it: this alone decides the order."""

    #: A password of a database role.
    DATABASE = "database"
    #: A list of keys with which the product signs for itself.
    SIGNING = "signing"
    #: A list of keys with which the product seals what it keeps.
    SEALING = "sealing"
    #: Others sign or send with it, and we check: Slack's and Stripe's calls, Alertmanager's.
    CHECKED_HERE = "checked_here"
    #: We sign or send with it, and somebody who let us choose it checks: our webhooks.
    CHECKED_THERE = "checked_there"
    #: An issuer made it and checks it: keys of Stripe, of language models, of clouds, of Slack's bot.
    ISSUED = "issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationStep:
    """One step. Once it is done, `in_use` is what is presented and `accepted` what is let in.

    `is_switch`: everything goes over at one moment, from a part with the old to one that began with both."""

    name: Text
    who: Who
    in_use: frozenset[Key]
    accepted: frozenset[Key]
    is_switch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPlan:
    """The steps for one secret. `procedure` does them where a procedure can."""

    name: str
    kind: SecretKind
    steps: tuple[RotationStep, ...]
    procedure: str | None = None


_OLD: Final = frozenset({Key.OLD})
_NEW: Final = frozenset({Key.NEW})
_BOTH: Final = frozenset({Key.OLD, Key.NEW})

#: By name.
_KINDS: Final = (
    ("HRX_DATABASE_URL", SecretKind.DATABASE),
    ("HRX_POSTGRES_APP_PASSWORD", SecretKind.DATABASE),
    ("HRX_OPS_DATABASE_URL", SecretKind.DATABASE),
    ("HRX_POSTGRES_OPS_PASSWORD", SecretKind.DATABASE),
    ("HRX_POSTGRES_BACKUP_PASSWORD", SecretKind.DATABASE),
    ("HRX_POSTGRES_REPAIR_PASSWORD", SecretKind.DATABASE),
    ("HRX_POSTGRES_OWNER_PASSWORD", SecretKind.DATABASE),
    ("HRX_POSTGRES_RESTORE_PASSWORD", SecretKind.DATABASE),
    ("HRX_SESSION_KEYS", SecretKind.SIGNING),
    ("HRX_SEAL_KEYS", SecretKind.SEALING),
    ("HRX_OPS_HOOK_TOKEN", SecretKind.CHECKED_HERE),
    ("HRX_SLACK_SIGNING_SECRET", SecretKind.CHECKED_HERE),
    ("HRX_STRIPE_WEBHOOK_SECRET", SecretKind.CHECKED_HERE),
    ("HRX_WEBHOOK_SECRET", SecretKind.CHECKED_THERE),
    ("HRX_STRIPE_API_KEY", SecretKind.ISSUED),
    ("HRX_OPENAI_API_KEY", SecretKind.ISSUED),
    ("HRX_ANTHROPIC_API_KEY", SecretKind.ISSUED),
    ("HRX_GOOGLE_API_KEY", SecretKind.ISSUED),
    ("HRX_LLM_API_KEY", SecretKind.ISSUED),
    ("HRX_SLACK_BOT_TOKEN", SecretKind.ISSUED),
    ("HRX_PAGERDUTY_ROUTING_KEY", SecretKind.ISSUED),
    ("HRX_SMTP_PASSWORD", SecretKind.ISSUED),
    ("HRX_OFFSITE_ACCESS_KEY_ID", SecretKind.ISSUED),
    ("HRX_OFFSITE_SECRET_ACCESS_KEY", SecretKind.ISSUED),
    ("HRX_DNS_API_TOKEN", SecretKind.ISSUED),
    ("HRX_DNS_ACCESS_KEY_ID", SecretKind.ISSUED),
    ("HRX_DNS_SECRET_ACCESS_KEY", SecretKind.ISSUED),
    ("HRX_SUPABASE_TOKEN", SecretKind.ISSUED),
    ("HRX_VAULT_TOKEN", SecretKind.ISSUED),
)
#: What a run replaces: proved, put in place and retired by `rotate-key` and `retire-key`.
_BY_RUN: Final = frozenset(
    {
        "HRX_STRIPE_API_KEY",
        "HRX_OPENAI_API_KEY",
        "HRX_ANTHROPIC_API_KEY",
        "HRX_GOOGLE_API_KEY",
        "HRX_LLM_API_KEY",
        "HRX_STRIPE_WEBHOOK_SECRET",
        "HRX_SLACK_SIGNING_SECRET",
        "HRX_OPS_HOOK_TOKEN",
        "HRX_WEBHOOK_SECRET",
    }
)
#: Alertmanager sends it, and its file is ours.
_SENT_BY_US: Final = "HRX_OPS_HOOK_TOKEN"
#: By them people's requests come in: they move over by slots.
_OF_PEOPLE: Final = frozenset({"HRX_DATABASE_URL", "HRX_POSTGRES_APP_PASSWORD"})


def list_rotatable() -> tuple[str, ...]:
    """Names for which there is a way that keeps two valid at once."""
    return tuple(name for name, _ in _KINDS)


def plan_rotation(name: str) -> RotationPlan:
    """How this secret is replaced. Raises NotFound for a name without such a way."""
    kind = dict(_KINDS).get(name)
    if kind is None:
        known = find_known(name)
        is_setting = known is not None and not known.is_secret
        raise NotFound(
            Text(
                ja=f"{name} は秘密ではありません" if is_setting else f"{name} を交換する手順はありません",
                en=f"{name} is no secret" if is_setting else f"There is no way to rotate {name}",
            ),
            hint=Text(
                ja=f"手順があるもの: {' '.join(list_rotatable())}",
                en=f"There is one for {' '.join(list_rotatable())}",
            ),
            code="settings.no_rotation",
        )
    return RotationPlan(name=name, kind=kind, steps=_steps(name, kind), procedure=_find_procedure(name, kind))


def _find_procedure(name: str, kind: SecretKind) -> str | None:
    if name in _BY_RUN:
        return "rotate-key"
    if kind is SecretKind.DATABASE:
        return "rotate-database-password" if name in _OF_PEOPLE else "rotate-operations-password"
    return "renew-session-keys" if kind is SecretKind.SIGNING else None


def find_gap(plan: RotationPlan) -> Text | None:
    """Where something in use would be refused; None for a sound plan that ends with the new one alone.

    A step takes time: while it runs, what was in use before may still be, and only what both its beginning
    and its end accept is sure to be let in. A switch has no "while"."""
    in_use, accepted = _OLD, _OLD
    for step in plan.steps:
        sure = step.accepted if step.is_switch else accepted & step.accepted
        may_be_in_use = in_use | step.in_use
        if not may_be_in_use <= sure:
            return Text(
                ja=f"「{step.name.ja}」の間、使用中のものが断られます",
                en=f"During “{step.name.en}” something in use is refused",
            )
        in_use, accepted = step.in_use, step.accepted
    if (in_use, accepted) != (_NEW, _NEW):
        return Text(ja="終わりに古いものが残ります", en="The old one is left at the end")
    return None


def _step(who: Who, ja: str, en: str, *, in_use: frozenset[Key], accepted: frozenset[Key]) -> RotationStep:
    return RotationStep(name=Text(ja=ja, en=en), who=who, in_use=in_use, accepted=accepted)


def _steps(name: str, kind: SecretKind) -> tuple[RotationStep, ...]:
    match kind:
        case SecretKind.DATABASE:
            return _DATABASE
        case SecretKind.SIGNING:
            return _SIGNING
        case SecretKind.SEALING:
            return _SEALING
        case SecretKind.CHECKED_HERE:
            return _checked_here(name)
        case SecretKind.CHECKED_THERE:
            return _checked_there(name)
        case SecretKind.ISSUED:
            return _issued(name)


_DATABASE: Final = (
    _step(
        Who.PROCEDURE,
        "二つ目のログインを開く",
        "open a second login",
        in_use=_OLD,
        accepted=_BOTH,
    ),
    _step(
        Who.PROCEDURE,
        "プログラムを移し、古いパスワードを使うものをなくす",
        "move the programs, until nobody uses the old password",
        in_use=_NEW,
        accepted=_BOTH,
    ),
    _step(
        Who.PROCEDURE,
        "古いパスワードを無効にする(役割に新しいものを設定し、同じ方法で戻る)",
        "end the old password: the role gets a new one, and programs go back the same way",
        in_use=_NEW,
        accepted=_NEW,
    ),
)
_SIGNING: Final = (
    RotationStep(
        name=Text(
            ja="新しい鍵を先頭に加え、両方を知るスロットへ要求を移す。署名は新しい鍵、検証は両方",
            en="put the new key first and give the requests to a slot that has both: the new one signs",
        ),
        who=Who.PROCEDURE,
        in_use=_BOTH,
        accepted=_BOTH,
        is_switch=True,
    ),
    _step(
        Who.OPERATOR,
        "古い鍵で署名したものが切れるまで待つ(HRX_SESSION_LIFETIME_S)",
        "wait until what the old key signed has run out (HRX_SESSION_LIFETIME_S)",
        in_use=_NEW,
        accepted=_BOTH,
    ),
    _step(
        Who.PROCEDURE,
        "古い鍵を外す(drop-former-session-keys)",
        "drop the old key (drop-former-session-keys)",
        in_use=_NEW,
        accepted=_NEW,
    ),
)
_SEALING: Final = (
    _step(
        Who.OPERATOR,
        "HRX_SEAL_KEYS の末尾に新しい鍵を加え(「古,新」)、API とワーカーを順に動かし直す。封は古い鍵のまま",
        "put the new key last in HRX_SEAL_KEYS (old,new) and restart API and worker: the old one still seals",
        in_use=_OLD,
        accepted=_BOTH,
    ),
    _step(
        Who.OPERATOR,
        "「新,古」にして動かし直し、古い鍵で封をした行がなくなるまで両方を残す"
        "(二要素認証を登録し直した行から新しい鍵になる)",
        "make it new,old, restart, and keep both until no row is sealed with the old one "
        "(each new enrolment of a second factor uses the new)",
        in_use=_NEW,
        accepted=_BOTH,
    ),
    _step(
        Who.OPERATOR,
        "古い鍵を外して動かし直す",
        "remove the old key and restart",
        in_use=_NEW,
        accepted=_NEW,
    ),
)


def _checked_here(name: str) -> tuple[RotationStep, ...]:
    """We accept both before anybody sends the new one."""
    return (
        _step(
            Who.PROCEDURE,
            f"新しい値を受け取り(アラートの通知トークンはここで作る)、{name} を「新,古」にして動かし直す",
            f"take the new value (that of alerts is made here), set {name} to new,old and restart",
            in_use=_OLD,
            accepted=_BOTH,
        ),
        _step(
            Who.PROCEDURE if name == _SENT_BY_US else Who.ISSUER,
            "送る側を新しい値に切り替える(Stripe は古い署名シークレットを最長 24 時間残せる)",
            "have the sender use the new value (Stripe keeps the old signing secret for up to 24 hours)",
            in_use=_NEW,
            accepted=_BOTH,
        ),
        _step(
            Who.PROCEDURE,
            f"HRX_ROTATION_OVERLAP_S のあと、{name} から古い値を外して動かし直す",
            f"after HRX_ROTATION_OVERLAP_S remove the old value from {name} and restart",
            in_use=_NEW,
            accepted=_NEW,
        ),
    )


def _checked_there(name: str) -> tuple[RotationStep, ...]:
    """The receiver accepts both before we send the new one."""
    return (
        _step(
            Who.ISSUER,
            "受け取る側に新しい値を加え、両方を受け付けてもらう",
            "have the receiver accept the new value beside the old",
            in_use=_OLD,
            accepted=_BOTH,
        ),
        _step(
            Who.PROCEDURE,
            f"{name} の先頭に新しい値を置いて動かし直す。送るのは先頭だけ",
            f"put the new value first in {name} and restart: only the first is sent",
            in_use=_NEW,
            accepted=_BOTH,
        ),
        _step(
            Who.ISSUER,
            f"`hrx settings rotate {name}` で古い値を外したあと、受け取る側からも外してもらう",
            f"once `hrx settings rotate {name}` has dropped the old value, have the receiver drop it too",
            in_use=_NEW,
            accepted=_NEW,
        ),
    )


def _issued(name: str) -> tuple[RotationStep, ...]:
    """A second one is made before the first is revoked, and its last use is looked at in between."""
    is_by_run = name in _BY_RUN
    return (
        _step(
            Who.ISSUER,
            "発行者の管理画面で二つ目を同じ権限で作る。古いものはまだ消さない",
            "make a second one with the same rights on the issuer's page; do not revoke the old yet",
            in_use=_OLD,
            accepted=_BOTH,
        ),
        _step(
            Who.PROCEDURE if is_by_run else Who.OPERATOR,
            f"発行者に確かめて {name} の先頭に置き、使うプログラムを順に移す"
            if is_by_run
            else f"{name} を新しい値にして、使うプログラムを順に動かし直す",
            f"prove it at its issuer, put it first in {name}, and move over the programs that use it"
            if is_by_run
            else f"set {name} to the new value and restart the programs that use it in turn",
            in_use=_NEW,
            accepted=_BOTH,
        ),
        _step(
            Who.ISSUER,
            "古いものの最終使用が止まったことを管理画面で確かめてから、取り消す"
            + (f"(手元からは `hrx settings rotate {name}` が先に外す)" if is_by_run else ""),
            "see on the issuer's page that the old one is used no more, then revoke it"
            + (f"; here `hrx settings rotate {name}` has dropped it before" if is_by_run else ""),
            in_use=_NEW,
            accepted=_NEW,
        ),
    )
