"""Settings of the part that scores with our own models, and of whoever asks it."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.settings import Settings, setting


class ScoringSettings(Settings):
    """Where scoring is asked, and its limits on both sides."""

    scoring_socket: Path | None = setting(
        None,
        ja="採点の部品の Unix ソケット。未設定なら、モデルを使う機能は使えないと表示します。",
        en="Unix socket of the part that scores; without it, what needs a model says that it is not there.",
        unit="path",
        example="/srv/hrx/run/scoring.sock",
    )
    scoring_timeout_s: float = setting(
        5.0,
        ja="尋ねる側が採点の答えを待つ時間。途中で部品が再起動しても、この時間内なら尋ね直します。",
        en="How long whoever asks waits for scores; a part that restarts meanwhile is asked again within it.",
        unit="s",
        gt=0,
        le=60,
    )
    scoring_port: int = setting(
        8155,
        ja="採点の部品の状態確認と指標のポート。",
        en="Port of the health and the metrics of the part that scores.",
        unit="port",
        ge=0,
        le=65535,
    )
    scoring_models: str = setting(
        "skills", ja="採点するモデル(カンマ区切り)。", en="Models that are served, separated by commas."
    )
    scoring_poll_s: float = setting(
        1.0,
        ja="別名(live など)が動いたかを見る間隔。",
        en="How often it is looked whether an alias moved.",
        unit="s",
        gt=0,
        le=300,
    )
    scoring_batch_rows: int = setting(
        256, ja="一度に採点する行の上限。", en="Rows scored in one run at most.", unit="rows", ge=1, le=65_536
    )
    scoring_batch_wait_ms: float = setting(
        1.0,
        ja="ひとつだけの依頼が、まとめる相手を待つ時間。",
        en="How long a lone request waits for others to be scored with.",
        unit="ms",
        ge=0,
        le=1_000,
    )
    scoring_queue_rows: int = setting(
        8_192,
        ja="待てる行の上限。超える依頼は、すぐに「混み合っている」と断ります。",
        en="Rows that may wait; what would come above that is told at once that scoring is busy.",
        unit="rows",
        # The largest single request has to fit.
        ge=1_024,
    )
    scoring_run_timeout_s: float = setting(
        5.0,
        ja="モデルの一回の実行の制限時間。過ぎると止めます。",
        en="Limit of one run of a model; it is stopped then.",
        unit="s",
        gt=0,
        le=60,
    )
    scoring_memory_mb: int = setting(
        1_024,
        ja="採点の部品が使えるメモリーの上限。収まらない版は読み込まず、今の版を使い続けます。",
        en="Memory the part that scores may use; a version that does not fit is not loaded, the present one "
        "goes on.",
        unit="MB",
        ge=256,
    )
    scoring_public_keys_file: Path | None = setting(
        None,
        ja="HRX_MODEL_TRUSTED_KEYS がないときに信頼する公開鍵のファイル。署名鍵の横に作られます。",
        en="File of the public keys that count when HRX_MODEL_TRUSTED_KEYS names none; made beside this "
        "machine's signing key.",
        unit="path",
    )
