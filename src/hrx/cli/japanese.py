"""The help of every command in Japanese, keyed by the English that stands in the code.

A help text without its Japanese is found by a test, not by an operator."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "HRX-AI: start, look, plan, run, record.": "HRX-AI: 起動する、見る、計画する、実行する、記録する。",
    "Show this message and exit.": "この説明を表示して終わる。",
    "One JSON document.": "JSON 文書 1 つで出力する。",
    # --- oncall
    "On-call: who is called, when, and whether somebody always is.": (
        "当番: 誰をいつ呼び出すか、いつでも誰かに連絡できるか。"
    ),
    "Whom an incident of each severity would page now, step by step.": (
        "重大度ごとに、今なら誰をどの順で呼び出すか。"
    ),
    "Every shift of the coming days.": "これからの当番。",
    "Overrides and leave that are in force or still to come.": "有効な、またはこれからの交代と休暇。",
    "Somebody takes a rotation for a while; times are of the rotation's zone.": (
        "一時的に当番を代わる。時刻は当番表のタイムゾーン。"
    ),
    "Somebody is away, from every rotation; times are of the person's own zone.": (
        "休暇。すべての当番表から外れる。時刻は本人のタイムゾーン。"
    ),
    "Take an override or leave back from now on.": "交代や休暇を取り消す。",
    "Prove that somebody can be reached at every moment of every severity. Exit code 1 at a gap.": (
        "どの重大度でも、いつでも誰かに連絡できることを証明する。できなければ終了コード 1。"
    ),
    "Write the shifts as a calendar file: two weeks back and four months ahead.": (
        "当番をカレンダー(iCalendar)に書き出す。2 週間前から 4 か月先まで。"
    ),
    "How many days ahead.": "何日先まで。",
    "One rotation, such as first.": "当番表を 1 つだけ(例: first)。",
    "One person of chapter 9, such as sato.": "第 9 章の 1 人だけ(例: sato)。",
    "A person of chapter 9, such as sato.": "第 9 章の人(例: sato)。",
    "Where to write the calendar (.ics).": "カレンダー(.ics)の書き込み先。",
    "The rotation that is taken over.": "代わる当番表。",
    "When it begins, such as 2026-12-01 09:00.": "始まり(例: 2026-12-01 09:00)。",
    "When it ends.": "終わり。",
    "The number of the change.": "変更の番号。",
    # --- up, down, status, check, logs
    "Start everything that is not running, restart what changed; harmless when all is well.": (
        "動いていないものを起動し、変わったものを再起動する。すべて正常なら何もしない。"
    ),
    "One JSON document at the end.": "最後に JSON 文書 1 つで出力する。",
    "Stop every part, the edge first and PostgreSQL last (fast shutdown); harmless when nothing runs.": (
        "入口から順に、最後に PostgreSQL まで、すべて止める。何も動いていなければ何もしない。"
    ),
    "Every part: does it run, does it answer. Exit code 0 when all that should run does.": (
        "すべての部品が動いているか、応答するか。動くべきものがすべて動いていれば終了コード 0。"
    ),
    "Also how much memory each part takes.": "部品ごとのメモリーも示す。",
    "Look at parts now. Exit code 1 when a required one is down.": (
        "部品を今、外から見る。必須の部品が止まっていれば終了コード 1。"
    ),
    "Parts to look at; all when none is named.": "見る部品。省略するとすべて。",
    "Keep the look in the ledger.": "見た結果を台帳に残す。",
    "What the parts wrote last; secrets masked.": "部品が最後に書いたログ。秘密は伏せる。",
    "One part, such as api-blue; all when left out.": "部品の名前(例: api-blue)。省略するとすべて。",
    "How many lines.": "行数。",
    "What the parts wrote; secrets and personal data masked.": ("部品が書いたログ。秘密と個人情報は伏せる。"),
    "Search what was written, the archive included; newest first. Exit code 1 when nothing is found.": (
        "保管庫も含めてログを検索する。新しい順。見つからなければ終了コード 1。"
    ),
    "Found in message or fields, whatever its case.": (
        "内容または項目に含む文字列。大文字と小文字は区別しない。"
    ),
    "Only lines of this correlation id.": "この相関 ID の行だけ。",
    "Only this part or service; may be repeated.": "この部品またはサービスだけ。繰り返して指定できる。",
    "At least this: debug, info, warning, error, critical.": (
        "この重さ以上。debug、info、warning、error、critical のいずれか。"
    ),
    "From then on: 15m, 2h, 7d, or a moment such as 2026-11-26T09:00.": (
        "いつから。15m、2h、7d(前)か、2026-11-26T09:00 のような時刻。"
    ),
    "Before then; the same forms.": "いつまで。書き方は同じ。",
    "Go on where the page before ended.": "前のページの続きから。",
    "The incident that it is for.": "どの障害のためか(障害の番号)。",
    # --- communication
    "Communication: who waits for a word, and what is said.": "連絡。誰が知らせを待ち、何を知らせるか。",
    "Who waits for a word, and until when; the soonest first. Exit code 1 when one is late.": (
        "誰がいつまでに知らせを待っているか。早い順。遅れがあれば終了コード 1。"
    ),
    "What was said and what is being written, the newest first.": "知らせたことと下書き。新しい順。",
    "Only those about it.": "その障害のものだけ。",
    "Discarded drafts too.": "捨てた下書きも示す。",
    "One notice in both languages, with what the linter says of it.": "お知らせ 1 つの文と指摘。",
    "The notice's number.": "お知らせの番号。",
    "What must not be said in these words, where, and what to write instead. Exit code 1 on errors.": (
        "言ってはならないこと、その場所、代わりの書き方。直すべきものがあれば終了コード 1。"
    ),
    "The public status page as files, for any static host.": "公開の状況ページをファイルとして書き出す。",
    "Where to write the page's files.": "書き出すフォルダ。",
    "Words from the facts of the ledger and from what you type; nothing is said yet.": (
        "台帳の事実と入力した言葉から文を作る。まだ誰にも知らせない。"
    ),
    "Who reads it.": "読者。",
    "What is due now, when left out.": "種類。省略すると今求められているもの。",
    "In Japanese.": "日本語の文。",
    "In English.": "英語の文。",
    "Expected recovery, such as 2026-11-26T18:30+09:00.": "復旧の見込み(例: 2026-11-26T18:30+09:00)。",
    "What that estimate rests on.": "その見込みの根拠。",
    "Your own words instead; what is left out stays as it is.": "書き換える。省略した欄は変えない。",
    "Publish a draft. Refuses words that the linter finds an error in (exit code 4).": (
        "下書きを公開する。直すべき指摘があれば断る(終了コード 4)。"
    ),
    "Why to publish in spite of the findings.": "指摘を承知で公開する理由。",
    "Discard a draft.": "下書きを捨てる。",
    "Stand by a cause, in words that customers may read; only then may it be stated.": (
        "顧客が読める言葉で原因を確認する。確認してはじめて書けるようになる。"
    ),
    "What it rests on; not shown to readers.": "根拠。読者には見せない。",
    "How many readers get the news by mail; nobody's address is shown.": "メールの購読者の数。",
    "Delete a reader who asks for it. Exit code 1 when there is none of this address.": (
        "申し出のあった購読者を消す。いなければ終了コード 1。"
    ),
    "The reader's mail address.": "購読者のメールアドレス。",
    # --- contacts
    "Contacts: people, vendors, and when each was last confirmed.": "連絡先と、最後に確認した日。",
    "Everybody who can be called, with the day of the last confirmation.": "連絡先と最後に確認した日。",
    "Stand by an entry: it was called, and it answered.": "連絡先を確かめたことを記録する。",
    "The entry, such as sato or vendor:stripe.": "連絡先の名前(例: sato、vendor:stripe)。",
    "Which entries were not confirmed for too long. Exit code 1 when there is one.": (
        "確認が古い連絡先。あれば終了コード 1。"
    ),
    # --- evidence
    "Evidence: what is kept, held, and for how long.": "証拠のフォルダ。何を、いつまで残すか。",
    "Every folder of evidence, and why it stays.": "証拠のフォルダと、残す理由。",
    "Keep a folder until somebody releases it, such as for a dispute.": (
        "係争などのため、解くまで消さないようにする。"
    ),
    "End a hold: the folder goes when it is old enough. Takes an approver.": (
        "保留を解く。期限が過ぎれば消える。承認者が行う。"
    ),
    "Remove now what may go; done by itself once an hour while operations runs.": (
        "消してよいものを今消す。運用コンソールは 1 時間ごとに自動で行う。"
    ),
    "The folder's name, as `hrx evidence list` shows it.": "フォルダの名前(`hrx evidence list` で分かる)。",
    "Why; it goes into the ledger.": "理由。台帳に残る。",
    # --- maintenance
    "Planned work: announced in time, never forgotten.": "計画した作業。期限までに予告し、忘れない。",
    "The window's number, as in MNT-7.": "作業の番号(MNT-7 の 7)。",
    "Drafts, announced windows and past ones, the newest first.": "計画した作業。新しい順。",
    "A part that the work is on.": "作業の対象の部品。",
    "Beginning, such as 2026-12-10T02:00+09:00.": "開始(例: 2026-12-10T02:00+09:00)。",
    "End, such as 2026-12-10T03:00+09:00.": "終了(例: 2026-12-10T03:00+09:00)。",
    "Its purpose in Japanese, for customers.": "顧客が読む目的(日本語)。",
    "Its purpose in English, for customers.": "顧客が読む目的(英語)。",
    "Draft the announcement; nothing is published yet.": "予告の下書きを作る。まだ公開しない。",
    "Why it cannot wait, when it is announced late.": "予告が遅いとき、急ぐ理由。",
    "Publish the announcement. Refuses one that comes too late without a reason (exit code 4).": (
        "予告を公開する。理由なく遅い予告は断る(終了コード 4)。"
    ),
    "It is done: the window closes now, and what is still wrong pages at once.": (
        "終わったので時間を閉じる。まだ続く異常はすぐ呼び出す。"
    ),
    "The new end, such as 2026-12-10T04:00+09:00.": "新しい終わり(例: 2026-12-10T04:00+09:00)。",
    "It takes longer; readers are told.": "延長する。読者に知らせる。",
    "It will not take place; readers are told where they read of it.": "中止し、読者に知らせる。",
    # --- post-mortem
    "Post-mortems: what was learned, and what will be done.": "事後検証。学んだことと、これから行うこと。",
    "The post-mortems with their next due moment. Exit code 1 when one is overdue.": (
        "事後検証と次の期限。期限を過ぎたものがあれば終了コード 1。"
    ),
    "One post-mortem as Markdown: measured times, causes with evidence, actions, time line.": (
        "事後検証 1 つを Markdown で示す。測った時間、証拠のある原因、再発防止策、経過。"
    ),
    "Begin one; severities 1 and 2 begin by themselves when they are resolved.": (
        "事後検証を始める。重大度 1 と 2 は解決すると自動で始まる。"
    ),
    "A section, as name=text.": "節。名前=文 の形。",
    "Write sections: summary, impact, cause, factors, went_well, went_badly, no_actions.": (
        "節を書く: summary, impact, cause, factors, went_well, went_badly, no_actions。"
    ),
    "Hand it in for approval. Refuses one that is incomplete or blames somebody (exit code 4).": (
        "提出する。足りない節や人を責める言葉があれば断る(終了コード 4)。"
    ),
    "Approve it, as somebody else than its author.": "書いた人とは別の人として承認する。",
    "Send it back to be written on.": "差し戻す。",
    "What is missing.": "足りないもの。",
    "The actions that are open, the soonest due first. Exit code 1 when one is overdue.": (
        "終わっていない再発防止策。期限の近い順。遅れがあれば終了コード 1。"
    ),
    "The action's number.": "再発防止策の番号。",
    "What came of it, or why not.": "結果、またはしない理由。",
    "What will be done.": "何をするか。",
    "Whose it is: a contact or an operator.": "担当。連絡先か運用者の名前。",
    "The last day for it.": "期限の日。",
    "Promise something that keeps it from happening again; its owner is told and reminded.": (
        "再発防止策を約束する。担当者に知らせ、期限の前に思い出させる。"
    ),
    "It is done; say what there is now.": "完了とし、何ができたかを残す。",
    "It will not be done; say why.": "見送りとし、理由を残す。",
    "Questions and answers for the middle of the night. Exit code 1 when nothing is found.": (
        "よくある質問と答え。見つからないときの終了コードは 1。"
    ),
    "Words to search for; without any, all.": "探す言葉。省くとすべて。",
    "One SELECT over the view logs.": "ビュー logs に対する SELECT 1 つ。",
    "Ask in SQL, over everything that was written; reads nothing but the logs. Recorded in the ledger.": (
        "書かれたすべての行に SQL で問い合わせる。ログのほかは読めない。台帳に記録する。"
    ),
    "Dashboards: what the figures say now.": "ダッシュボード: 数値がいま示していること。",
    "Every board with the number of its panels.": "すべてのダッシュボードと図の数。",
    "The values of a board now, with what crosses the line of its alert. Exit code 1 when one does.": (
        "いまの値と、アラートの線を超えたもの。超えたものがあるときの終了コードは 1。"
    ),
    "Ask Prometheus every question of every board. Exit code 1 when it refuses one.": (
        "すべての図の問い合わせを Prometheus に尋ねる。拒否があるときの終了コードは 1。"
    ),
    "The board's id, such as golden-signals.": "ダッシュボードの名前。例: golden-signals。",
    "A check, such as part.process; without it, all.": "確認の名前。例: part.process。省くとすべて。",
    "Some of its conditions are another matter: they become an incident of their own, diagnosed anew.": (
        "条件の一部は別の障害だとして分け、あらためて診断する。"
    ),
    "Seconds.": "秒数。",
    "Conditions that are another matter, as `show` names them.": "別の障害とみる条件(`show` が示すキー)。",
    "Ask one check by itself; reads only. Exit code 1 when it gets no answer.": (
        "確認を一つだけ行う。読むだけ。答えがないときの終了コードは 1。"
    ),
    "name=value": "名前=値",
    # --- drill
    "Drills: faults on purpose, measured.": "障害訓練。わざと故障を起こして測る。",
    "Every drill, and when it was last run.": "すべての訓練と、最後に実施した日時。",
    "Run drills one after the other, each taken back and verified before the next.": (
        "訓練を順に実施する。取り消して正常に戻ったことを確かめてから次へ進む。"
    ),
    "Put one fault in and leave the repair to people; it only watches, and tells what was when.": (
        "故障を 1 件起こして復旧は人に任せ、いつ何があったかを測る。"
    ),
    "The drill; without one, any fast one, unnamed.": "訓練の名前。省くと、短い訓練から伏せて選ぶ。",
    "Take the fault back after so many minutes.": "この分数が過ぎたら故障を取り消す。",
    "The newest results of every drill, and what they say together.": "各訓練の最近の結果と、全体のまとめ。",
    "The newest so many runs of each drill.": "各訓練の最近何回分を見るか。",
    "A table of Markdown.": "Markdown の表で示す。",
    "Wait in the end at most so many seconds until alerts fall silent.": (
        "最後にアラートが静まるまで待つ秒数の上限。"
    ),
    "Stop two of those who watch, and the API: is somebody told within 30 s?": (
        "監視の部品を二つと API を止めて、30 秒以内に誰かに届くかを確かめる。"
    ),
    "Take back what a killed drill left in.": "途中で終わった訓練が残した故障を取り消す。",
    "Drills to run; without any, the suite.": "実施する訓練。省略すると組の全部。",
    "fast, slow (rules with minutes of duration) or all.": "fast、slow(数分待つ規則を含む)、all のいずれか。",
    "Wait at most so many seconds for page and cause.": "呼び出しと原因を待つ秒数の上限。",
    # --- sop
    "The SOPs: what to do about which failure.": "SOP。どの障害に何をするか。",
    "The SOPs, with how many checks and causes each has.": "SOP の一覧。確認と原因の数も示す。",
    "The SOP's number, such as 5.2.3.": "SOP の番号(例: 5.2.3)。",
    "One SOP as people read it.": "SOP 1 つの本文。",
    "Keep the result with it.": "結果をその障害に残す。",
    "Ask every check at once and judge the causes; reads only. Exit code 1 when none has its evidence.": (
        "すべての確認を同時に行い、原因を見極める。読むだけ。裏付けのある原因がなければ終了コード 1。"
    ),
    # --- rules
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
    # --- ledger
    "The append-only record of operations.": "追記しかできない運用の記録(台帳)。",
    "The newest entries, newest first.": "最近の記録を新しい順に示す。",
    "Only entries of this kind.": "この種類の記録だけ。",
    "Only entries by this actor.": "この人の記録だけ。",
    "Only entries about this, such as part:worker.": "この対象の記録だけ(例: part:worker)。",
    "Only entries whose content has this text.": "内容にこの文字列を含む記録だけ。",
    "At most this many.": "最大件数。",
    "One entry with all it holds.": "記録 1 件の中身をすべて示す。",
    "The entry's number.": "記録の番号。",
    "Walk the whole chain. Exit code 1 when an entry was changed, removed or reordered.": (
        "鎖をすべてたどって検証する。書き換え・削除・並べ替えがあれば終了コード 1。"
    ),
    "A head hash noted earlier; it must still be there.": (
        "以前に控えた先頭のハッシュ。今も存在することを確かめる。"
    ),
    "Every entry as JSON lines, exactly as stored; enough to verify the chain elsewhere.": (
        "すべての記録を保存されたままの JSON 行で出力する。別の場所で鎖を検証できる。"
    ),
    "A new file; standard output if unset.": "新しいファイル。省略すると標準出力。",
    # --- lock
    "Locks of running procedures.": "実行中の手順のロック。",
    "The locks that block somebody now.": "今、ほかの人を待たせているロック。",
    "End somebody else's lock; the run that held it stops at its next step.": (
        "ほかの人のロックを解除する。持っていた実行は次の手順で止まる。"
    ),
    "The lock's name, such as part:worker.": "ロックの名前(例: part:worker)。",
    # --- operator
    "Operators: people who may sign in to operations.": "運用者: 運用コンソールに入れる人。",
    "Add an operator; the password is asked for, or read from standard input.": (
        "運用者を追加する。パスワードは尋ねるか、標準入力から読む。"
    ),
    "The operator's name.": "運用者の名前。",
    "viewer, responder, approver or admin.": (
        "viewer(閲覧者)、responder(対応者)、approver(承認者)、admin(管理者)。"
    ),
    "Every operator with role and last sign-in.": "運用者の一覧。権限と最後のサインイン。",
    "Give an operator another role.": "運用者の権限を変える。",
    "Lock an operator out at once.": "運用者を直ちに締め出す。",
    "Let a disabled operator in again.": "停止した運用者を再び有効にする。",
    "Set a new password and sign the operator out everywhere.": (
        "新しいパスワードを設定し、すべてのサインインを切る。"
    ),
    # --- shared by commands that change something
    "Why, for the record.": "理由。台帳に残る。",
    "Why, for the record (when planning at once).": "理由。台帳に残る(計画から続けて実行するとき)。",
    "Act as this operator (asks for the password).": "この運用者として行う(パスワードを尋ねる)。",
    "The operator's second factor, when one is set.": "二要素認証を設定した運用者の確認コード。",
    "Say what would be done, and do nothing.": "行う内容を示すだけで、何も変えない。",
    "Do not ask.": "確認を求めない。",
    # --- procedure
    "Procedures: look, plan, approve, run, record.": "手順: 見る、計画する、承認する、実行する、記録する。",
    "Every procedure with its last proof.": "手順の一覧。最後に確かめた日時つき。",
    "What a procedure is for, what it needs and its steps.": "手順の目的、必要なもの、中身。",
    "The procedure's id.": "手順の ID。",
    "Make a plan and put it on record; nothing is executed. With --dry-run it is only shown.": (
        "計画を作って記録する。何も実行しない。--dry-run なら記録もせず示すだけ。"
    ),
    "name=value, such as part=worker.": "名前=値(例: part=worker)。",
    "The newest plans.": "最近の計画。",
    "Give your word on a plan, after reading it. An irreversible one takes another operator's.": (
        "計画を読んだうえで承認する。取り消せない計画は、作成者以外の承認者が承認する。"
    ),
    "The plan's number.": "計画の番号。",
    "Run a plan and wait for its end. Exit 0 when seen from outside to have worked, 1 when not.": (
        "計画を実行し、終わりまで待つ。外から成功を確かめられれば終了コード 0、そうでなければ 1。"
    ),
    "A plan's number, or a procedure's id to plan and run at once.": (
        "計画の番号。手順の ID なら、計画から続けて実行する。"
    ),
    "The newest runs, with those that died.": "最近の実行。途中で止まったものも示す。",
    "How far a run is, or how it ended.": "実行の進み具合、または結果。",
    "The run's id.": "実行の ID。",
    "Go on with a run that died, from its first unfinished step.": (
        "途中で止まった実行を、終わっていない最初の手順から続ける。"
    ),
    "End a run that died, taking back what it did.": "途中で止まった実行を、行ったことを取り消して打ち切る。",
    # --- runbook
    "The runbook, chapter by chapter.": "ランブックを章ごとに読む。",
    "The chapters and how much of each is built.": "章の一覧と、どこまで作られているか。",
    "One chapter, each procedure with its last proof.": "1 つの章。手順には最後に確かめた日時がつく。",
    "The chapter's number, 1 to 10.": "章の番号(1〜10)。",
    # --- incident
    "Incidents: what is wrong, who has it, until when.": "障害: 何が起きていて、誰が、いつまでに。",
    "The incidents in which somebody still has something to do, the newest first.": (
        "対応中の障害の一覧。新しい順。"
    ),
    "Those that are over too.": "終わったものも示す。",
    "One incident with its clocks and its time line.": "障害 1 件の時計と経過。",
    "The incident's number.": "障害の番号。",
    "Say that something is wrong; it opens an incident or joins the one it belongs to.": (
        "異常を報告する。新しい障害になるか、属する障害に加わる。"
    ),
    "What is wrong, in a sentence.": "何が起きているか(一文)。",
    "1 is worst.": "1 が最も重い。",
    "The part, if known.": "部品(分かれば)。",
    'Say "I have it": calling people ends, the response clock stops.': (
        "対応を始める。呼び出しは終わり、対応開始の時計が止まる。"
    ),
    "Also when somebody else has it.": "ほかの人が対応中でも引き継ぐ。",
    "Set the severity anew; both clocks are counted again from the opening.": (
        "重大度を変える。2 つの時計は発生時点から数え直す。"
    ),
    "Stop the recovery clock for a while, when we wait for what we cannot hasten.": (
        "こちらで早められない理由があるとき、復旧の時計をしばらく止める。"
    ),
    "For this long at most.": "止める時間(分)の上限。",
    "Let the recovery clock go on.": "復旧の時計を再開する。",
    "The symptom has gone: the recovery clock stops.": "症状は解消した。復旧の時計が止まる。",
    "It is over and will stay over.": "解決とする。",
    "It is not over after all: people are called again.": "まだ終わっていない。もう一度呼び出す。",
    "Everything about it is done, the post-mortem too.": "振り返りまで終えて完了とする。",
    "Two incidents are one: everything of this one goes to the other.": (
        "2 つの障害を 1 つにする。この障害の内容はすべて相手に移る。"
    ),
    "The incident it is part of.": "統合先の障害。",
    "Put a note into its time line.": "経過にメモを残す。",
    "What is worth remembering.": "残しておくこと。",
    "Give somebody a role in it.": "役割を割り当てる。",
    "manager, scribe or liaison.": "manager(指揮)、scribe(記録)、liaison(連絡)。",
    "Contact or operator; empty takes the role away.": "連絡先または運用者。空なら外す。",
    # --- references generated from the code
    "The settings reference.": "設定の一覧。",
    "Write .env.example and docs/settings.md from the code.": (
        "プログラムから .env.example と docs/settings.md を作り直す。"
    ),
    "Say whether the written reference still matches the code.": (
        "書かれた一覧が今のプログラムと一致するかを確かめる。"
    ),
    "The metrics reference.": "指標の一覧。",
    "Write docs/metrics.md from the code.": "プログラムから docs/metrics.md を作り直す。",
    "Every metric with its unit and meaning.": "すべての指標を単位と意味つきで示す。",
    "Only say what would change.": "変わる内容を示すだけ。",
}
