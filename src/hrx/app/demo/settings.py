"""What the demo needs beyond the application's settings: a password, and how much is loaded."""

from __future__ import annotations

from pydantic import SecretStr

from hrx.kit.settings import Settings, setting


class DemoSettings(Settings):
    """Read once when the demo company is loaded."""

    demo_password: SecretStr = setting(
        ja="デモ会社のサインイン用パスワード(全員共通)。",
        en="Password of the demo company's sign-ins, the same for all of them.",
    )
    demo_documents: bool = setting(
        True,
        ja="デモ会社の規程・経歴書・質問集も読み込むか。",
        en="Whether the demo company's rules, résumés and questions are loaded, too.",
    )
