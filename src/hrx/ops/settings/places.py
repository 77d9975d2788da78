"""Where the plane writes and reads, and which environment it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hrx.kit.settings import SecretStr, Settings, setting

#: The checkout: `runbook/` and `var/` stand beside `src/` unless told otherwise.
HOME = Path(__file__).resolve().parents[4]


class PlaceSettings(Settings):
    """Folders, the ledger, language and environment."""

    var_dir: Path = setting(
        HOME / "var",
        ja="実行時データ(データベース、ログ、台帳)を置くフォルダ",
        en="Folder for what the running system writes: databases, logs, the ledger",
        unit="path",
        example="var",
    )
    runbook_dir: Path = setting(
        HOME / "runbook",
        ja="ランブックの内容(手順、章、部品表)を置くフォルダ",
        en="Folder with the runbook's content: procedures, chapters, the list of parts",
        unit="path",
        example="runbook",
    )
    ledger_url: SecretStr | None = setting(
        None,
        ja="台帳の SQLAlchemy URL。未設定なら var/ops/ledger.sqlite3。"
        "本番では製品とは別のデータベースを指定する",
        en="SQLAlchemy URL of the ledger; unset means var/ops/ledger.sqlite3. In production name a database "
        "other than the product's: restoring the product must not erase the record of the restore",
        unit="URL",
        example="postgresql+psycopg://ledger:…@db.example/ledger",
    )
    language: Literal["ja", "en"] = setting(
        "ja",
        ja="利用者が選んでいないときの表示言語",
        en="Language shown until somebody chooses another",
        example="ja",
    )
    environment: Literal["development", "staging", "production"] = setting(
        "development",
        ja="どの環境か。画面の見出しと台帳に残る",
        en="Which environment this is; shown in the console's header and kept in the ledger",
        example="production",
    )
    commit: str = setting(
        "unknown",
        ja="動いているソースのコミット。/version に出る",
        en="Commit of the running source; shown by /version",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", ja="ログに残す最低の重要度", en="Least severe level that is logged"
    )

    @property
    def ledger_location(self) -> str:
        """The ledger's URL; beside the running system when none was named."""
        if self.ledger_url is not None:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.var_dir.resolve() / 'ops' / 'ledger.sqlite3'}"
