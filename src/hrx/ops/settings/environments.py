"""Where the settings of each environment are kept, and what compares them."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.settings import SecretStr, Settings, setting


class EnvironmentSettings(Settings):
    """Sources of settings by environment, the door to Vault, and the key of fingerprints."""

    settings_development: str | None = setting(
        None,
        ja="開発環境の設定の置き場所。machine、env-file:パス、aws:リージョン/接頭辞、vault:マウント/パス",
        en="Where development's settings are: machine, env-file:PATH, aws:REGION/PREFIX, vault:MOUNT/PATH. "
        "Unset means this machine, where this is development",
        example="machine",
    )
    settings_staging: str | None = setting(
        None,
        ja="検証環境の設定の置き場所(書き方は HRX_SETTINGS_DEVELOPMENT と同じ)",
        en="Where staging's settings are, written like HRX_SETTINGS_DEVELOPMENT",
        example="vault:secret/hrx/staging",
    )
    settings_production: str | None = setting(
        None,
        ja="本番環境の設定の置き場所(書き方は HRX_SETTINGS_DEVELOPMENT と同じ)",
        en="Where production's settings are, written like HRX_SETTINGS_DEVELOPMENT",
        example="aws:ap-northeast-1/hrx/production",
    )
    settings_timeout_s: float = setting(
        5.0,
        ja="設定の置き場所の応答を待つ時間",
        en="How long a source of settings may take to answer",
        unit="s",
        gt=0,
        le=60,
    )
    settings_aws_url: str | None = setting(
        None,
        ja="AWS Secrets Manager の URL。空の場合は AWS の既定",
        en="URL of AWS Secrets Manager; AWS's own when empty",
        unit="URL",
    )
    vault_url: str | None = setting(
        None, ja="Vault の URL", en="URL of Vault", unit="URL", example="https://vault.example:8200"
    )
    vault_token: SecretStr | None = setting(
        None,
        ja="Vault のトークン。設定のパスを読む権限だけを与える(鍵を交換するなら update も)",
        en="Vault's token; give it the right to read the settings' paths and no other; to rotate keys, to "
        "update them too",
        unit="secret",
    )
    vault_namespace: str | None = setting(
        None, ja="Vault の名前空間(使う場合)", en="Vault's namespace, where there is one"
    )
    fingerprint_key_file: Path | None = setting(
        None,
        ja="設定を比べるフィンガープリントの鍵。未設定なら var/fingerprint.key。"
        "比べる環境どうしで同じ鍵を使う",
        en="Key of the fingerprints by which settings are compared; unset means var/fingerprint.key. "
        "Environments that are compared need the same key",
        unit="path",
    )
    rotation_overlap_s: int = setting(
        86_400,
        ja="交換した秘密の古いほうを、新しいものと並べて受け付ける時間。過ぎるまでは外せません",
        en="How long the former of a rotated secret goes on to count beside the new one; it is not retired "
        "before that",
        unit="s",
        ge=0,
        le=2_592_000,
    )
    secret_max_age_days: int = setting(
        180,
        ja="秘密を交換するまでの期間。種類ごとの期間がある場合は短いほう",
        en="After how many days a secret is due for rotation; a kind's own limit counts when it is shorter",
        unit="days",
        ge=1,
        le=3650,
    )
