"""How the checks of a release are done: time limits, where advisories lie, what is let pass."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hrx.kit.settings import SecretStr, Settings, setting


class CheckSettings(Settings):
    """Tests, audits and scans of `hrx release check`."""

    check_tests_timeout_s: float = setting(
        3600.0,
        ja="リリースのテスト全体を待つ時間",
        en="How long all tests of a release may take",
        unit="s",
        gt=0,
        le=14_400,
    )
    check_timeout_s: float = setting(
        900.0,
        ja="そのほかの確認(静的解析、脆弱性の監査など)一つを待つ時間",
        en="How long any other check of a release may take: static analysis, audits",
        unit="s",
        gt=0,
        le=7200,
    )
    audit_timeout_s: float = setting(
        120.0,
        ja="脆弱性データベースへの問い合わせを待つ時間。過ぎたら「未確認」になる",
        en="How long a database of holes may take to answer; after that the audit says not checked",
        unit="s",
        gt=0,
        le=1800,
    )
    audit_severity: Literal["low", "moderate", "high", "critical"] = setting(
        "moderate",
        ja="これ以上の重大度の脆弱性があればリリースを止める。重大度の分からないものは常に止める",
        en="Holes of this severity and above stop a release; one of unknown severity always does",
    )
    advisories_dir: Path | None = setting(
        None,
        ja="OSV 形式のアドバイザリ(JSON、または osv.dev が配る zip)を置くフォルダ。"
        "外部に出られない機械での監査に使う",
        en="Folder of advisories in OSV's format (JSON, or the archives that osv.dev publishes), "
        "for the audit on machines that reach nothing outside",
        unit="path",
        example="/srv/advisories",
    )
    advisories_max_age_days: int = setting(
        7,
        ja="そのアドバイザリがこれより古いと「未確認」になる",
        en="When the advisories on this disk are older than this, the audit says not checked",
        unit="days",
        ge=1,
        le=365,
    )
    check_images: str | None = setting(
        None,
        ja="脆弱性を調べるコンテナイメージの名前(コンマ区切り)。trivy が必要",
        en="Container images whose holes are looked for, separated by commas; needs trivy",
        example="hrx-api:1.2.0,hrx-web:1.2.0",
    )
    smoke_url: str | None = setting(
        None,
        ja="リリース後の外からの確認が見る URL。空の場合は入口(HRX_EDGE_URL)",
        en="Where the probes after a release look; the edge (HRX_EDGE_URL) when empty",
        unit="URL",
        example="https://hr.example.co.jp",
    )
    smoke_timeout_s: float = setting(
        10.0,
        ja="リリース後の確認で、1 回の応答を待つ時間",
        en="How long one answer is waited for by the probes after a release",
        unit="s",
        gt=0,
        le=120,
    )
    smoke_error_ratio: float = setting(
        0.01,
        ja="切り替えのあとのエラーの割合がこれを超えると不合格",
        en="Share of errors since the switch above which the probes after a release fail",
        unit="ratio",
        ge=0,
        le=1,
    )
    smoke_answers_wait_s: float = setting(
        300.0,
        ja="リリース後の確認で、顧客の質問集の評価が終わるのを待つ時間",
        en="How long the probes after a release wait for customers' questions to be evaluated",
        unit="s",
        ge=0,
        le=500,
    )
    smoke_answers_lost_ratio: float = setting(
        0.05,
        ja="顧客の質問集の評価が前の版からこれを超えて下がると不合格",
        en="Fall on customers' questions above which the probes after a release fail",
        unit="ratio",
        ge=0,
        le=1,
    )
    grafana_url: str | None = setting(
        None,
        ja="リリースの印(注釈)を付ける Grafana の URL",
        en="URL of the Grafana in which releases are marked as annotations",
        unit="URL",
        example="https://grafana.example.co.jp",
    )
    grafana_token: SecretStr | None = setting(
        None,
        ja="その Grafana のサービスアカウントのトークン(注釈の読み書きだけを許す)",
        en="Token of a service account there; let it read and write annotations, nothing else",
        unit="secret",
    )
    staging_dir: Path | None = setting(
        None,
        ja="検証環境のフォルダ。空の場合は var/staging。この機械で本番の隣に動く",
        en="Folder of the staging environment; var/staging when empty. It runs beside what lives here",
        unit="path",
        example="/srv/hrx-staging",
    )
    staging_port: int = setting(
        8180,
        ja="検証環境の入口のポート。運用コンソールはその次のポート",
        en="Port of staging's edge; its operations console has the next one",
        unit="port",
        ge=1024,
        le=65_000,
    )
    staging_port_shift: int = setting(
        10_000,
        ja="検証環境の内部ポートをずらす数",
        en="Added to the inner ports for staging",
        unit="ports",
        ge=400,
        le=50_000,
    )
    staging_timeout_s: float = setting(
        600.0,
        ja="検証環境の起動を待つ時間",
        en="How long staging may take to come up",
        unit="s",
        gt=0,
        le=3600,
    )
    e2e_step_timeout_s: float = setting(
        30.0,
        ja="ブラウザーでの確認で、一つの手順を待つ時間",
        en="How long one step of the end-to-end tests may take in the browser",
        unit="s",
        gt=0,
        le=300,
    )
