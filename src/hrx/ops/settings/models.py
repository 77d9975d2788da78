"""Where models are registered, and whose signature counts."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.models.settings import ModelStoreSettings
from hrx.kit.settings import setting


class ModelSettings(ModelStoreSettings):
    """The registry's store, the signing key, the trusted keys."""

    model_signing_key_file: Path | None = setting(
        None,
        ja="モデルに署名する Ed25519 の秘密鍵のファイル。未設定なら var/model-signing.key(初回に作る)",
        en="File of the Ed25519 key that signs models; unset means var/model-signing.key, made at first use",
        unit="path",
    )
