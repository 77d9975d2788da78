"""What counts as a sign of a skill: the only words that any model of ours is shown.

A closed list is what keeps names, sexes, ages and addresses out: what is not on it is never seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """`terms` say it outright; `hints` go with it, and with others too."""

    id: str
    ja: str
    en: str
    terms: tuple[str, ...]
    hints: tuple[str, ...]


SKILLS: Final = (
    Skill(
        id="payroll",
        ja="給与計算",
        en="Payroll",
        terms=("給与計算", "年末調整", "賞与計算", "源泉徴収", "payroll", "withholding tax"),
        hints=("給与", "勤怠", "社会保険", "salary", "timesheet"),
    ),
    Skill(
        id="labor_law",
        ja="労務管理",
        en="Labour relations",
        terms=("労務管理", "就業規則", "36協定", "労働基準法", "labor law", "labour relations", "work rules"),
        hints=("社会保険", "勤怠", "規程", "compliance", "union"),
    ),
    Skill(
        id="recruiting",
        ja="採用",
        en="Recruiting",
        terms=("採用業務", "新卒採用", "中途採用", "採用面接", "recruiting", "talent acquisition"),
        hints=("面接", "応募者", "求人", "interview", "candidate", "sourcing"),
    ),
    Skill(
        id="training",
        ja="人材育成",
        en="People development",
        terms=("人材育成", "研修企画", "社員教育", "off-jt", "people development", "training design"),
        hints=("研修", "講師", "教材", "coaching", "workshop", "facilitation"),
    ),
    Skill(
        id="accounting",
        ja="経理",
        en="Accounting",
        terms=("経理", "仕訳", "月次決算", "簿記", "bookkeeping", "general ledger", "month-end close"),
        hints=("決算", "監査", "予算", "audit", "invoice", "budget"),
    ),
    Skill(
        id="finance",
        ja="財務",
        en="Finance",
        terms=("財務分析", "資金調達", "資金繰り", "corporate finance", "cash flow", "fundraising"),
        hints=("予算", "決算", "投資", "budget", "forecast", "investment"),
    ),
    Skill(
        id="legal",
        ja="法務",
        en="Legal",
        terms=(
            "契約書審査",
            "企業法務",
            "知的財産",
            "contract review",
            "corporate law",
            "intellectual property",
        ),
        hints=("契約", "規程", "監査", "compliance", "negotiation"),
    ),
    Skill(
        id="sales",
        ja="営業",
        en="Sales",
        terms=(
            "法人営業",
            "新規開拓",
            "ルート営業",
            "account management",
            "b2b sales",
            "business development",
        ),
        hints=("顧客", "提案", "見積", "customer", "negotiation", "proposal"),
    ),
    Skill(
        id="marketing",
        ja="マーケティング",
        en="Marketing",
        terms=("マーケティング", "広告運用", "市場調査", "marketing", "campaign", "market research"),
        hints=("顧客", "分析", "企画", "customer", "analysis", "content"),
    ),
    Skill(
        id="customer_support",
        ja="カスタマーサポート",
        en="Customer support",
        terms=("カスタマーサポート", "問い合わせ対応", "ヘルプデスク", "customer support", "help desk"),
        hints=("顧客", "電話", "customer", "ticket", "escalation"),
    ),
    Skill(
        id="software",
        ja="ソフトウェア開発",
        en="Software development",
        terms=("ソフトウェア開発", "プログラミング", "python", "java", "typescript", "software development"),
        hints=("設計", "テスト", "クラウド", "design", "testing", "cloud", "agile"),
    ),
    Skill(
        id="infrastructure",
        ja="インフラ",
        en="Infrastructure",
        terms=("インフラ構築", "サーバー運用", "ネットワーク設計", "kubernetes", "linux", "network design"),
        hints=("クラウド", "監視", "設計", "cloud", "monitoring", "on-call"),
    ),
    Skill(
        id="security",
        ja="情報セキュリティ",
        en="Information security",
        terms=("情報セキュリティ", "脆弱性診断", "isms", "penetration test", "information security"),
        hints=("監査", "監視", "規程", "audit", "monitoring", "incident"),
    ),
    Skill(
        id="data",
        ja="データ分析",
        en="Data analysis",
        terms=(
            "データ分析",
            "統計解析",
            "機械学習",
            "sql",
            "data analysis",
            "machine learning",
            "statistics",
        ),
        hints=("分析", "可視化", "予測", "analysis", "dashboard", "forecast"),
    ),
    Skill(
        id="project",
        ja="プロジェクト管理",
        en="Project management",
        terms=("プロジェクト管理", "進捗管理", "pmp", "project management", "scrum master"),
        hints=("企画", "調整", "agile", "stakeholder", "planning"),
    ),
    Skill(
        id="english",
        ja="英語",
        en="English",
        terms=("英語", "toeic", "通訳", "翻訳", "business english", "interpreting"),
        hints=("海外", "交渉", "overseas", "negotiation"),
    ),
)

#: Every word of the list once, in an order that never changes: places in the vector of features.
VOCABULARY: Final = tuple(sorted({word for skill in SKILLS for word in (*skill.terms, *skill.hints)}))
