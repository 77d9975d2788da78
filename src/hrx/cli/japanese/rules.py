"""The help of `hrx rules` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Alert rules: what they say, how soon, and what is made from them.": (
        "アラートの規則。何を、どれだけ早く知らせるか、何が生成されるか。"
    ),
    "Every rule with its severity, its SOP and the seconds it promises.": (
        "すべての規則と、重大度、SOP、約束した検知時間。"
    ),
    "The rule's name, such as ApiErrorRateHigh.": "規則の名前(例: ApiErrorRateHigh)。",
    "One rule: what it compares, why its windows are what they are, and its examples.": (
        "規則 1 つの中身。何を比べるか、窓と継続時間の理由、例。"
    ),
    "Write everything below monitoring/ that is made from runbook/watch/.": (
        "runbook/watch/ から monitoring/ の生成物をすべて書き出す。"
    ),
    "Compare what is written with the content; promtool judges and tests it. Exit code 4 if they differ.": (
        "生成物を内容と比べ、promtool で検査と試験をする。合わなければ終了コード 4。"
    ),
    "Find out by promtool how soon each changed rule fires in its own example, and keep the figures.": (
        "変わった規則がそれぞれの例で何秒後に鳴るかを promtool で確かめ、記録する。"
    ),
    "Make mutants of the rules and see that their tests notice each one. Exit code 1 when one survives.": (
        "規則をわざと誤らせ、試験がすべて気づくことを確かめる。1 つでも見逃せば終了コード 1。"
    ),
    "How soon each alert is told: promised, simulated, last drilled. Exit code 1 when one is late.": (
        "アラートごとの検知時間。約束、シミュレーション、直近の訓練。遅れたものがあれば終了コード 1。"
    ),
    "Which rules cannot see, and why. Exit code 1 when one that should see cannot.": (
        "見えていない規則とその理由。見えているべき規則が見えていなければ終了コード 1。"
    ),
    "How a firing came to be known: sample, pending, firing, grouped, told, sent, delivered, seen.": (
        "発生がどう伝わったか。標本、様子見、発生、まとめ、受領、送信、到達、引き受け。"
    ),
    "The rule's name; its last firing.": "規則の名前。直近の発生を説明する。",
    "The incident to explain.": "説明する障害の番号。",
    "One rule; all when left out.": "規則 1 つ。省略するとすべて。",
    "Also rules that did not change.": "変わっていない規則も含める。",
}
