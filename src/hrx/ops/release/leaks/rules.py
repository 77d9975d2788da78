"""What a key looks like: one rule for each kind that this stack uses, and one for what only context tells.

Forms are from the issuers' own pages; each begins with letters by which a file is passed over quickly. No
scanner library is used: detect-secrets had its last release in May 2024 and misses two kinds of this stack
(Stripe's webhook secrets, Fly's tokens); of the others on the registry none knows the keys made here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of key. `pattern` has a group `value` (the secret) and may have `mark`, which is public.

    A key of this kind begins with one of `begins`, so that only these places are looked at; without any,
    the pattern is searched for everywhere."""

    id: str
    title: Text
    begins: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    is_by_context: bool = False


def _rule(rule_id: str, ja: str, en: str, *, begins: tuple[bytes, ...], pattern: bytes) -> Rule:
    return Rule(id=rule_id, title=Text(ja=ja, en=en), begins=begins, pattern=re.compile(pattern))


_WORD: Final = rb"(?<![A-Za-z0-9_])"
_END: Final = rb"(?![A-Za-z0-9_-])"

#: By the form of the key alone.
BY_FORM: Final = (
    _rule(
        "stripe-key",
        "Stripe の秘密鍵",
        "Stripe secret key",
        begins=(b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_"),
        pattern=_WORD + rb"(?P<value>(?P<mark>[sr]k_(?:live|test)_)[0-9A-Za-z]{16,247})" + _END,
    ),
    _rule(
        "stripe-webhook",
        "Stripe の Webhook 署名シークレット",
        "Stripe webhook signing secret",
        begins=(b"whsec_",),
        pattern=_WORD + rb"(?P<value>(?P<mark>whsec_)[A-Za-z0-9+/]{24,}={0,2})",
    ),
    _rule(
        "slack-token",
        "Slack のトークン",
        "Slack token",
        begins=(b"xoxa-", b"xoxb-", b"xoxe-", b"xoxe.", b"xoxo-", b"xoxp-", b"xoxr-", b"xoxs-", b"xapp-"),
        pattern=_WORD + rb"(?P<value>(?P<mark>xox[aeboprs]|xapp)[-.][0-9A-Za-z.-]{20,})",
    ),
    _rule(
        "slack-webhook",
        "Slack の Webhook URL",
        "Slack webhook URL",
        begins=(b"https://hooks.slack.com/",),
        pattern=rb"(?P<value>(?P<mark>https://hooks\.slack\.com/)(?:services|workflows|triggers)/"
        rb"[A-Za-z0-9/_+-]{24,})",
    ),
    _rule(
        "aws-access-key",
        "AWS のアクセスキー ID",
        "AWS access key id",
        begins=(b"AKIA", b"ASIA"),
        pattern=_WORD + rb"(?P<value>(?P<mark>A[KS]IA)[A-Z2-7]{16})" + _END,
    ),
    _rule(
        "github-token",
        "GitHub のトークン",
        "GitHub token",
        begins=(b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        pattern=_WORD
        + rb"(?P<value>(?P<mark>gh[pousr]_|github_pat_)(?:[0-9A-Za-z]{36,255}|[0-9A-Za-z_]{60,255}))"
        + _END,
    ),
    _rule(
        "anthropic-key",
        "Anthropic の API キー",
        "Anthropic API key",
        begins=(b"sk-ant-",),
        pattern=_WORD + rb"(?P<value>(?P<mark>sk-ant-[a-z]{3,8}\d\d-)[A-Za-z0-9_-]{40,})",
    ),
    _rule(
        "openai-key",
        "OpenAI の API キー",
        "OpenAI API key",
        begins=(b"sk-",),
        pattern=_WORD
        + rb"(?P<value>(?P<mark>sk-)(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,}|[A-Za-z0-9]{48}))"
        + _END,
    ),
    _rule(
        "google-key",
        "Google の API キー",
        "Google API key",
        begins=(b"AIza",),
        pattern=_WORD + rb"(?P<value>(?P<mark>AIza)[0-9A-Za-z_-]{35})" + _END,
    ),
    _rule(
        "google-client-secret",
        "Google の OAuth クライアントシークレット",
        "Google OAuth client secret",
        begins=(b"GOCSPX-",),
        pattern=_WORD + rb"(?P<value>(?P<mark>GOCSPX-)[0-9A-Za-z_-]{28})" + _END,
    ),
    _rule(
        "fly-token",
        "Fly.io のトークン",
        "Fly.io token",
        begins=(b"fm1_", b"fm1a_", b"fm1r_", b"fm2_", b"fo1_"),
        pattern=_WORD + rb"(?P<value>(?P<mark>fm1[ar]?_|fm2_|fo1_)[A-Za-z0-9+/_=-]{40,})",
    ),
    _rule(
        "supabase-token",
        "Supabase のトークン",
        "Supabase token",
        begins=(b"sbp_", b"sb_secret_"),
        pattern=_WORD + rb"(?P<value>(?P<mark>sbp_)[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{30,})" + _END,
    ),
    _rule(
        "vault-token",
        "Vault のトークン",
        "Vault token",
        begins=(b"hvs.", b"hvb.", b"hvr."),
        pattern=_WORD + rb"(?P<value>(?P<mark>hv[sbr]\.)[A-Za-z0-9_-]{24,})",
    ),
    _rule(
        "registry-token",
        "パッケージ登録所のトークン",
        "package registry token",
        begins=(b"npm_", b"pypi-AgE"),
        pattern=_WORD + rb"(?P<value>(?P<mark>npm_)[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{60,})" + _END,
    ),
    _rule(
        "json-web-token",
        "署名付きトークン(JWT)",
        "signed token (JWT)",
        begins=(b"eyJ",),
        pattern=_WORD
        + rb"(?P<value>(?P<mark>eyJ)[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,})",
    ),
    _rule(
        "private-key",
        "秘密鍵",
        "private key",
        begins=(b"-----BEGIN ",),
        pattern=rb"(?P<value>(?P<mark>-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY(?: BLOCK)?-----)"
        rb"(?:\\r|\\n|[\s\"'+])*[A-Za-z0-9+/=:, \r\n-]{0,200}?[A-Za-z0-9+/]{40,})",
    ),
    _rule(
        "backup-key",
        "バックアップの鍵(age)",
        "backup key (age)",
        begins=(b"AGE-SECRET-KEY-1",),
        pattern=_WORD + rb"(?P<value>(?P<mark>AGE-SECRET-KEY-1)[0-9A-Z]{58})" + _END,
    ),
)

#: In the address of a database, a cache, a repository.
IN_URL: Final = Rule(
    id="url-password",
    title=Text(ja="URL の中のパスワード", en="password in a URL"),
    begins=(b"://",),
    pattern=re.compile(
        rb"(?<=[a-z0-9])://[A-Za-z0-9_.%+-]{0,64}:"
        rb"(?P<value>[^\s:/@\"'`<>{}()\[\]$\\|]{8,200})@[A-Za-z0-9\[]"
    ),
    is_by_context=True,
)

#: A value behind a sign, with a digit in it; whether the name before the sign says "secret" is asked after
#: that. This order looks at 7,000 places of this tree where the other one looked at every letter.
ASSIGNED: Final = Rule(
    id="assigned-secret",
    title=Text(ja="秘密らしい名前に入れられた値", en="value given to a name that says secret"),
    begins=(),
    pattern=re.compile(
        rb"(?P<sign>[=:][=>]?)[ \t]{0,3}(?P<open>\\?[\"'`])?"
        rb"(?=[A-Za-z0-9_+/=.~!@#%^&*-]{0,100}[0-9])"
        rb"(?P<value>[A-Za-z0-9_+/=.~!@#%^&*-]{10,200})(?P<after>\\?.?)"
    ),
    is_by_context=True,
)
#: What stands before the sign.
NAME_BEFORE: Final = re.compile(
    rb"(?P<name>(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|auth|routing|signing|session|seal|"
    rb"private|subscriber|encryption|master|service|account|hmac|integration)[_-]?keys?|credentials?)"
    rb"s?(?:[_-]?[A-Za-z0-9_]{1,24})?)(?:\\?[\"'])?[ \t]{0,3}\Z",
    re.I,
)

RULES: Final = (*BY_FORM, IN_URL, ASSIGNED)
