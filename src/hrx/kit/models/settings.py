"""Where the registry of models is and whose signature counts: the same for who moves and who serves."""

from __future__ import annotations

from hrx.kit.settings import SecretStr, Settings, setting


class ModelStoreSettings(Settings):
    """The registry's store and the trusted keys; nothing that signs."""

    model_store_url: str | None = setting(
        None,
        ja="モデルの登録簿を置く場所。file:/フォルダ か s3://バケット/接頭辞。未設定なら var/models",
        en="Where the registry of models is: file:/FOLDER or s3://bucket/prefix; unset means var/models",
        unit="URL",
        example="s3://hrx-models/production",
    )
    model_store_endpoint: str | None = setting(
        None,
        ja="S3 互換の保管場所の URL。AWS なら未設定",
        en="URL of the store that speaks S3; unset for AWS",
        unit="URL",
    )
    model_store_region: str = setting(
        "ap-northeast-1", ja="モデルの保管場所のリージョン", en="Region of the store of models"
    )
    model_store_access_key_id: SecretStr | None = setting(
        None,
        ja="モデルの保管場所のアクセスキー ID。未設定ならマシンの役割を使う",
        en="Access key id for the store of models; unset means the machine's role",
        unit="secret",
    )
    model_store_secret_access_key: SecretStr | None = setting(
        None,
        ja="モデルの保管場所のシークレットアクセスキー",
        en="Secret access key for the store of models",
        unit="secret",
    )
    model_trusted_keys: str | None = setting(
        None,
        ja="署名を信頼する公開鍵(base64、「,」区切り)。未設定なら自分の署名鍵だけを信頼する",
        en="Public keys whose signature counts (base64, separated by commas); unset means this machine's own",
    )
