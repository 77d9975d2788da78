"""The help of `hrx release` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Deploy, break and kill on a stack of its own, measured. Exit code 1: a promise was not kept.": (
        "横に起動した一式でデプロイ、故障、強制終了を行って測る。約束を守れなければ終了コード 1。"
    ),
    "Models: versions, aliases, the gate, the way back.": ("モデル: 版、指し先、切り替えの条件、戻し方。"),
    "A model's version, such as skills-1a2b3c4d5e6f.": ("モデルの版(例: skills-1a2b3c4d5e6f)。"),
    "One model, with its moves; without it, all.": ("1 つのモデルと、その切り替えの記録。省けばすべて。"),
    "Versions with their metrics, and what is live, in the shadow and ready to go back to.": (
        "版とその指標。使用中(live)、影(shadow)、戻り先(previous)も示す。"
    ),
    "What the trainer wrote.": ("学習プログラムが書いたフォルダ。"),
    "Sign a version and keep it; nothing points at it yet. Safe to repeat.": (
        "版に署名して登録する。まだ何も切り替わらない。繰り返しても害はない。"
    ),
    "A model's version; without it, all.": ("モデルの版。省けばすべて。"),
    "Signature, digest and every rule of the gate, looked at again. Exit code 1 when one does not hold.": (
        "署名、ダイジェスト、切り替えの条件をもう一度確かめる。満たさないものがあれば終了コード 1。"
    ),
    "live, or shadow.": ("live(使用中)か shadow(影)。"),
    "Point an alias at a version, when the gate lets it. Exit code 4: it does not, and says why.": (
        "条件を満たすときだけ、指し先を版に切り替える。満たさなければ理由を示し、終了コード 4。"
    ),
    "The model that goes back.": ("戻すモデル。"),
    "The version that was live before is live again; it passes the gate once more.": (
        "直前まで使っていた版に戻す。条件はもう一度確かめる。"
    ),
    "Search indexes: generations, the live one, the way back.": (
        "検索インデックス: 世代、使用中のもの、戻し方。"
    ),
    "The index, as runbook/indexes.yaml names it.": ("インデックスの名前(runbook/indexes.yaml のとおり)。"),
    "Every index with its generations: how far each is, which one answers, how many rows it is behind.": (
        "インデックスごとの世代。作成の進み、答えている世代、遅れている行の数。"
    ),
    "Fill a generation beside the live one, in batches; goes on where it stood. Search is not touched.": (
        "使用中の世代の横に、少しずつ新しい世代を作る。中断した所から進む。検索は止まらない。"
    ),
    "Let the newest generation answer, in one transaction; the former one is kept to go back to.": (
        "最新の世代に 1 つのトランザクションで切り替える。前の世代は戻せるよう残す。"
    ),
    "Let models and indexes follow the requests of the last rollout, where that failed before.": (
        "直近の切り替えに合わせて、モデルと検索インデックスを切り替える(失敗していたときのやり直し)。"
    ),
    "Let the generation before answer again, with what came since added to it first.": (
        "前の世代に戻す。その後に増えた分を先に加える。"
    ),
    "Releases: what is shipped, its migrations, the way back.": "リリース: 出すもの、その移行、戻り方。",
    "Where the current rollout stands: its steps, the comparison, what it cost, the release's checks.": (
        "現在の切り替えの状況: 手順、比較、これまでの影響、リリースの検査。"
    ),
    "Let the version in the resting slot take over, or go on where a rollout was interrupted.": (
        "待機中のスロットの版に切り替える。中断した切り替えがあれば、その続きから進める。"
    ),
    "Go on with a rollout that asks; shares are skipped, the watch after the switch is not.": (
        "確認を待っている切り替えを進める。割合の段階は省き、切り替え後の観察は行う。"
    ),
    "All requests back to the version before, at once. Exit code 4: that one would break.": (
        "どの段階からでも、すべての要求をただちに元の版に戻す。元の版が動かないなら終了コード 4。"
    ),
    "What releases were shown to run on.": "リリースがどの表で動くと確かめられたか。",
    "The release whose code and tests are run.": "コードとテストを動かすリリース。",
    "The release whose schema they are run on.": "その下に置くスキーマのリリース。",
    "These tests instead of the usual ones.": "いつものテストの代わりに動かすもの。",
    "Run a release's own tests on another's schema, in a database of their own. Exit code 1: they fail.": (
        "あるリリースのテストを、別のリリースのスキーマで動かす(専用のデータベースで)。失敗なら終了コード 1。"
    ),
    "Which release's tests passed, or failed, on which revision.": (
        "どのリリースのテストが、どのリビジョンで合格したか。"
    ),
    "Run the planner's plan back to this release, step by step.": (
        "このリリースへ戻す計画を、順に実行する。"
    ),
    "Take back a way back that died, instead of going on.": ("中断したロールバックを、続けずに取り消す。"),
    "Also when the plan says that the version before would break.": (
        "元の版が動かないと計画が示すときも戻す。"
    ),
    "Make a release of the commit that is checked out; nothing that runs is touched.": (
        "作業ツリーのコミットからリリースを作る。動いているものには触れない。"
    ),
    "Schema first, then the resting slot, then requests move behind the gate. Exit code 1: not live.": (
        "スキーマ、待機中のスロットの順に用意し、比較しながら要求を移す。公開に至らなければ終了コード 1。"
    ),
    "The release's id; without one, the newest.": "リリースの ID。省けば最新のもの。",
    "The release's id, for the record.": "リリースの ID(記録用)。",
    "How requests move: rolling, blue_green or canary.": "切り替え方: rolling、blue_green、canary。",
    "Shares of a canary in percent, rising.": "カナリアの割合(%)。小さい順。",
    "Bad answers, beyond the old version's, that people may get.": (
        "利用者に返ってよいエラーの数(元の版の割合を超える分)。"
    ),
    "The pipeline: from a commit to people, stage by stage.": "パイプライン: コミットを段階ごとに利用者へ。",
    "Begin a pipeline and run it until it is over or needs a person. Exit code 1: failed; 4: it waits.": (
        "パイプラインを始め、終わるか人の判断が必要になるまで進める。終了コード 1: 失敗、4: 待っている。"
    ),
    "Go on where it stands: what is done stays done. Exit code 1: failed; 4: it waits.": (
        "済んだ段階は繰り返さず、続きから進める。終了コード 1: 失敗、4: 待っている。"
    ),
    "End a pipeline: stages that run are ended, the rest is not begun. A deploy is not undone by it.": (
        "パイプラインを止める。実行中の段階を終わらせ、残りは始めない。デプロイを取り消すものではない。"
    ),
    "Give a second person's word on exactly the plan that is shown. Exit code 4: yours does not count.": (
        "表示した計画そのものを、作成者以外の人として承認する。終了コード 4: その人の承認は数えられない。"
    ),
    "Where a pipeline stands: each stage, how long it took, what it waits for.": (
        "パイプラインの状況: 各段階の状態と時間、何を待っているか。"
    ),
    "Whether the workflow of GitHub Actions is the definition's own. Exit code 1: it is another.": (
        "GitHub Actions のワークフローが定義どおりかどうか。違えば終了コード 1。"
    ),
    "Write .github/workflows/release.yml from the definition.": (
        "定義から .github/workflows/release.yml を書く。"
    ),
    "Every pipeline, the newest first.": "すべてのパイプライン(新しい順)。",
    "What would be done to production, with the hash that an approval is bound to.": (
        "本番に対して行うことと、承認が結び付くハッシュ。"
    ),
    "The pipeline, such as p3; without one, the newest.": "パイプライン(p3 など)。省けば最新のもの。",
    "How long to wait for people and days, in minutes.": "人や日程を待つ時間(分)。",
    "Go on despite what holds it now, and why (approvers).": (
        "今の保留の理由に反して進める。その訳を書く(承認者のみ)。"
    ),
    "Run this stage alone; others have their own jobs.": "この段階だけを実行する(ほかの段階は別のジョブで)。",
    "The commit; it must be what is checked out.": "コミット。チェックアウトしているものに限る。",
    "A release that is built already, in place of a commit.": "コミットの代わりに、作成済みのリリース。",
    "How far: staging or production.": "どこまで進めるか: staging か production。",
    "Begin it, say its number, and run no stage.": "始めて番号を示し、段階は実行しない。",
    "Repeat this stage, although it was done.": "済んでいても、この段階を繰り返す。",
    "The plan's hash as it was read; asked for otherwise.": "読んだ計画のハッシュ。省けば確認する。",
    "Migrations: read, rehearsed, checked.": "データベースの移行を読み、予行し、確かめる。",
    "Folder of the migrations: env.py and versions.": "移行のフォルダ(env.py と versions)。",
    "Also ask squawk, where it is installed; it only adds.": (
        "入っていれば squawk にも尋ねる。結果は参考として加える。"
    ),
    "Hold every migration against the rules. Exit code 1 when a finding is neither mended nor accepted.": (
        "すべての移行を規則に照らす。直しも受け入れもされていない指摘があれば終了コード 1。"
    ),
    "Ask each that lacks nothing what is live there.": "設定のそろったリリース先に、公開中の版を尋ねる。",
    "Places that a release may go to, and what each still lacks. Exit code 1 when one does not answer.": (
        "リリース先と、それぞれに足りない設定。応答しないものがあれば終了コード 1。"
    ),
    "Run what is pending on a copy: up under traffic, down, up again. Exit code 1 when something hurts.": (
        "未実行の移行を複製の上で予行する(負荷の下で進め、戻し、また進める)。害があれば終了コード 1。"
    ),
    "Where a database stands and what would run. Changes nothing; exit code 1 when a finding is open.": (
        "データベースの現在地と、実行される移行を示す。何も変えない。未解決の指摘があれば終了コード 1。"
    ),
    "On this restored copy; nobody can switch to it afterwards.": (
        "この復元した写しの上で行う。以後その写しには切り替えられない。"
    ),
    "Environment variable with the database URL of the owner.": "所有者のデータベース URL を持つ環境変数。",
    "The same for a role that sees every row.": "すべての行が見える役割の URL を持つ環境変数。",
    "The last revision, or head.": "最後のリビジョン(または head)。",
    "Also write the report to this file.": "報告をこのファイルにも書く。",
    "What was placed in which slot, newest first, and what is live now.": (
        "どのスロットに何を置いたかを新しい順に。今の公開版も示す。"
    ),
    "Which environment; this one unless told otherwise.": "対象の環境。省略するとこの環境。",
    "Whether and how one can go back: order, what breaks, what is lost. Exit code 4: it is not safe.": (
        "戻せるか、どう戻すか。順番、影響、失われるものを示す。安全でなければ終了コード 4。"
    ),
    "Plan the way back.": "戻す計画を立てる。",
    "The release to go back to; the one before unless told.": "戻す先のリリース。省略すると 1 つ前。",
    "Move only this component.": "この部分だけを戻す。",
    "Values of this column or table may be lost.": "この列または表の値は失われてよい。",
    "The maintenance page may be shown meanwhile.": "途中でメンテナンス画面を出してよい。",
    "COLUMN=N: values written since, as counted.": "列名=件数: その後に書かれた値を数えたもの。",
    "NAME=N: rows that break what the older schema demands.": (
        "名前=件数: 以前のスキーマの条件を満たさない行を数えたもの。"
    ),
    "KIND=N: jobs that wait, as counted.": "種類=件数: 待っているジョブを数えたもの。",
    "Keep this checkout as a release: its components, and the tables and columns that its tests used.": (
        "このチェックアウトをリリースとして登録する。構成と、テストが使った表と列を残す。"
    ),
    "Folder that `deploy/prove.py --record` wrote.": "`deploy/prove.py --record` が書いたフォルダ。",
    "The target's name, as in `hrx release targets`.": "リリース先の名前(`hrx release targets` のとおり)。",
    "How long its health is waited for, in seconds.": "正常になるのを待つ時間(秒)。",
    "The version, for people.": "人に見せる版。",
    "Its name there: the same name again makes nothing twice.": (
        "リリース先での名前。同じ名前なら二重には作られない。"
    ),
    "A pinned container image.": "版を固定したコンテナイメージ。",
    "A folder of files.": "ファイルのフォルダー。",
    "Whose settings it is told.": "どの環境の設定を渡すか。",
    "Put a release at a target, wait until it is healthy and live, and delete what is too old.": (
        "リリース先に版を出し、正常になって公開されるのを待ち、古いものを消す。"
    ),
    "Deployments at a target, the newest first: which is live, to which one may go back.": (
        "リリース先のデプロイを新しい順に示す。公開中のものと、戻せるもの。"
    ),
    "Its id, as in `hrx release deployments`.": "その ID(`hrx release deployments` のとおり)。",
    "Make a former deployment at a target live again.": "リリース先の以前のデプロイを公開に戻す。",
    "Which check; `list` lists them.": "確認の名前。`list` で一覧。",
    "The release that is looked at; this checkout without one.": (
        "確かめるリリース。省けばこのチェックアウト。"
    ),
    "Ask one question of the pipeline. Exit code 1: failed; what could not be asked is told, not failed.": (
        "パイプラインの確認を一つ行う。不合格なら終了コード 1。確かめられなければ「未確認」と示す。"
    ),
    "Leave out smoke, cache-clear and mark after the switch.": (
        "切り替え後の確認(smoke、cache-clear、mark)を省く。"
    ),
    "Go on although the settings are not fit; why, for the record.": (
        "設定が整っていなくても続ける。理由は記録に残る。"
    ),
    "With staging: take it down.": "staging とともに: 検証環境を止める。",
}
