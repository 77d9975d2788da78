"""Settings of the language models: which ones answer, and how long they may take."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.settings import Settings, setting


class LlmSettings(Settings):
    """What the gateway needs besides keys; nothing is asked until a key and a model are set."""

    llm_targets: str = setting(
        "",
        ja="答えるモデル。事業者:モデル を優先順にカンマで並べる(openai、anthropic、google、compatible)。",
        en="Models that answer, the first choice first, as vendor:model separated by commas; vendors are "
        "openai, anthropic, google and compatible.",
        unit="list",
        example="openai:gpt-5-mini,anthropic:claude-haiku-4-5",
    )
    llm_prices_file: Path | None = setting(
        None,
        ja="モデルの価格表(YAML)。なければ製品に付属のもの。",
        en="Price list of the models (YAML); without it the one that comes with the product.",
        unit="path",
    )
    llm_connect_timeout_s: float = setting(
        3.0, ja="モデルへの接続の制限時間。", en="Limit for connecting to a model.", unit="s", gt=0, le=60
    )
    llm_first_token_timeout_s: float = setting(
        20.0,
        ja="最初の言葉が届くまでの制限時間。過ぎると次のモデルに尋ねます。",
        en="How long the first words may take; later than this the next model is asked.",
        unit="s",
        gt=0,
        le=300,
    )
    llm_idle_timeout_s: float = setting(
        15.0,
        ja="言葉と言葉の間の制限時間。",
        en="How long the next words may take.",
        unit="s",
        gt=0,
        le=300,
    )
    llm_answer_timeout_s: float = setting(
        60.0,
        ja="一度に届く答えの制限時間。",
        en="How long an answer may take that comes whole.",
        unit="s",
        gt=0,
        le=600,
    )
    llm_call_timeout_s: float = setting(
        120.0,
        ja="待ち時間とすべてのモデルを合わせた、一つの質問の制限時間。",
        en="Limit for one question over all models and pauses.",
        unit="s",
        gt=0,
        le=600,
    )
    llm_question_vector_timeout_s: float = setting(
        2.0,
        ja="質問のベクトルを外部のモデルに作らせるときの制限時間。過ぎると言葉だけで探します。",
        en="How long a model elsewhere may take to turn a question into a vector; later than this it is "
        "searched for by its words alone.",
        unit="s",
        gt=0,
        le=30,
    )
    llm_hedge_s: float = setting(
        0.0,
        ja="人が待つ質問で、これより遅いと次のモデルにも尋ね、早い方を採ります。0 で無効(費用が増えます)。",
        en="Where a person waits and nothing came by then, the next model is asked too and the faster one "
        "answers; 0 turns that off. It costs more.",
        unit="s",
        ge=0,
        le=60,
    )
    llm_laps: int = setting(
        2,
        ja="すべてのモデルに断られたとき、一覧を何回まで試すか。",
        en="How often the list of models is gone through while all refuse.",
        unit="times",
        ge=1,
        le=5,
    )
