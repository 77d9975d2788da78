"""Keys of the vendors that the product may use: payments and language models.

A vendor without its key is not used, and `hrx settings prove` says that this is so. While a key is rotated
its setting holds two, newest first: the first is sent, and what others sign is accepted by either."""

from __future__ import annotations

from hrx.kit.settings import SecretStr, Settings, setting


class VendorSettings(Settings):
    """Stripe, OpenAI, Anthropic, Google, and any service that speaks OpenAI's protocol."""

    stripe_url: str = setting(
        "https://api.stripe.com", ja="Stripe の API の URL", en="URL of Stripe's API", unit="URL"
    )
    stripe_api_key: SecretStr | None = setting(
        None,
        ja="Stripe の制限付きキー(rk_…)。交換中は新しい順にカンマ区切り。未設定なら課金は使わない",
        en="Stripe's restricted key (rk_…); two, newest first, while it is rotated. Unset means that billing "
        "is off",
        unit="secret",
    )
    stripe_webhook_secret: SecretStr | None = setting(
        None,
        ja="Stripe の Webhook の署名シークレット(whsec_…)。交換中は新しい順にカンマ区切り。"
        "未設定なら Stripe からの呼び出しを断る",
        en="Signing secret of Stripe's webhooks (whsec_…); two, newest first, while it is rotated. Unset "
        "means that Stripe's calls are refused",
        unit="secret",
    )
    openai_url: str = setting(
        "https://api.openai.com/v1", ja="OpenAI の API の URL", en="URL of OpenAI's API", unit="URL"
    )
    openai_api_key: SecretStr | None = setting(
        None,
        ja="OpenAI のキー。交換中は新しい順にカンマ区切り。未設定なら OpenAI は使わない",
        en="OpenAI's key; two, newest first, while it is rotated. Unset means that OpenAI is not used",
        unit="secret",
    )
    anthropic_url: str = setting(
        "https://api.anthropic.com", ja="Anthropic の API の URL", en="URL of Anthropic's API", unit="URL"
    )
    anthropic_api_key: SecretStr | None = setting(
        None,
        ja="Anthropic のキー。交換中は新しい順にカンマ区切り。未設定なら Anthropic は使わない",
        en="Anthropic's key; two, newest first, while it is rotated. Unset means that Anthropic is not used",
        unit="secret",
    )
    google_url: str = setting(
        "https://generativelanguage.googleapis.com",
        ja="Google の言語モデル API の URL",
        en="URL of Google's API of language models",
        unit="URL",
    )
    google_api_key: SecretStr | None = setting(
        None,
        ja="Google の言語モデルのキー。交換中は新しい順にカンマ区切り。未設定なら Google は使わない",
        en="Google's key of language models; two, newest first, while it is rotated. Unset means that Google "
        "is not used",
        unit="secret",
    )
    llm_url: str | None = setting(
        None,
        ja="OpenAI と同じ形式で話す言語モデルの URL(/v1 まで)。未設定なら使わない",
        en="URL of a language model that speaks OpenAI's protocol, /v1 included. Unset means none is used",
        unit="URL",
        example="http://127.0.0.1:8000/v1",
    )
    llm_api_key: SecretStr | None = setting(
        None,
        ja="HRX_LLM_URL のキー。交換中は新しい順にカンマ区切り。鍵の要らないサーバーなら未設定でよい",
        en="Key of HRX_LLM_URL; two, newest first, while it is rotated. Unset for a server that asks for "
        "none",
        unit="secret",
    )
