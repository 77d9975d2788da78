"""Which encoder makes the vectors of this installation: the same for who builds, who writes and who asks."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.settings import Settings, setting


class EncoderSettings(Settings):
    """Where encoders are described, and the one that the next generation of the index is built with."""

    encoders_dir: Path | None = setting(
        None,
        ja="エンコーダーのフォルダを置く場所。1 つにつき 1 フォルダ、中に encoder.yaml。"
        "未設定なら付属の英語のエンコーダーだけ",
        en="Where the folders of encoders are, one each, with an encoder.yaml in it; unset means only the "
        "English one that comes along",
        unit="path",
        example="/srv/hrx/encoders",
    )
    search_encoder: str | None = setting(
        None,
        ja="次に作る検索インデックスのベクトルを作るエンコーダー(フォルダの名前)。未設定なら付属の英語のもの。"
        "変えたら hrx release indexes build passages",
        en="Encoder (name of its folder) of the vectors of the next index that is built; unset means the "
        "English one that comes along. After a change: hrx release indexes build passages",
        example="multilingual-e5-small",
    )
