"""The help of `hrx recover` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Count what one tenant lost, and plan to bring it back; another person approves before it is done.": (
        "一つのテナントが失った行を数え、戻す計画を作る。別の人が承認してから実行する。"
    ),
    "The copy to bring rows back from.": "行を取り出す写し。",
    "The tenant's number, as a comparison shows it.": "テナントの番号。比較の表にある。",
    "One table, such as app.person.": "一つの表(app.person など)。",
    "Numbers of rows of that table, with commas between.": "その表の行の番号。カンマで区切る。",
    "Rows changed since go back as well.": "その後に変わった行も、写しの内容に戻す。",
    "Whether outside effects are held after a restore, and what waits.": (
        "復元のあとで外部への送信を止めているか、何が待っているかを示す。"
    ),
    "Who was erased, by number, and whether they are erased in the living database. Exit code 1: not all.": (
        "消去した人の番号と、今のデータベースでも消えているかを示す。残っていれば終了コード 1。"
    ),
    "Backups, restored copies, and the way back.": "バックアップ、復元した写し、元への戻し方。",
    "What would be lost now, how long the way back takes, what is proven. Exit code 1: in trouble.": (
        "いま失えば何が戻らないか、戻すのにどれだけかかるか、確かめたバックアップはどれか。"
        "深刻な問題があれば終了コード 1。"
    ),
    "Take a backup now: the blocks that changed since the last one, or all of them.": (
        "今バックアップを取る。前回から変わったブロックだけ、または全部。"
    ),
    "A full one, also when an increment would do.": "増分で足りるときも、完全なものを取る。",
    "Restore a backup for real, beside the living system, and look through it. Exit code 1: no good.": (
        "バックアップを本当に復元し、稼働中の系の横で全体を確かめる。使えなければ終了コード 1。"
    ),
    "Its id; without one, the newest.": "ID。省けば最新のもの。",
    "Every backup, the newest first.": "すべてのバックアップを、新しい順に。",
    "Read every file of it and of the change records, and restore nothing.": (
        "復元せずに、そのファイルと変更記録をすべて読み通します。"
    ),
    "The server that takes over from a lost database.": "失われたデータベースに代わるサーバー(待機系)。",
    "Copy the primary anew as its standby; the one that is there is replaced.": (
        "主系を写して待機系を作り直します。今の待機系は置き換わります。"
    ),
    "Let the standby take over: in order when the primary answers, else after it is ended for certain.": (
        "待機系に引き継がせる。主系が答えれば順に止めてから、答えなければ確実に終わらせてから昇格させる。"
    ),
    "Also when commits are lost; another person has to approve it.": (
        "確定した変更が失われるときも。別の人の承認が要る。"
    ),
    "After a take-over: the writer in the primary's place again, the old primary as its standby.": (
        "引き継ぎのあと、書き込む側を主系の場所に移し、古い主系を待機系にする。"
    ),
    "Start the standby that was built.": "作ってある待機系を起動します。",
    "Stop the standby; the primary keeps for it what it lacks, up to 4 GB.": (
        "待機系を止めます。足りない変更記録は、主系が 4 GB まで取っておきます。"
    ),
    "Who writes, who follows, and how far behind. Exit code 1: a wanted standby does not follow.": (
        "どれが書き込みを受け、どれが追い、どれだけ遅れているか。終了コード 1: 望んだ待機系が追っていません。"
    ),
    "Take away backups and change records that no moment of the kept time needs.": (
        "残す期間のどの時点にも要らなくなったバックアップと変更記録を消す。"
    ),
    "Send what is new to the location elsewhere now; the keeper does so every few seconds.": (
        "新しいものを別の場所へ今送る。番人も数秒ごとに送っている。"
    ),
    "Bring the backups back from the location elsewhere: all, or what is missing here.": (
        "別の場所からバックアップを取り戻す。全部、または欠けているものを。"
    ),
    "Another location than the configured one.": "設定とは別の場所の URL。",
    "Read what is here too, and replace what is damaged.": "手元のものも読み、壊れていれば置き換える。",
    "Compare the files that rows name with the storage and the backups, both ways. Exit code 1: a fault.": (
        "行が名指すファイルを、置き場所とバックアップに照らす。逆も照らす。不備があれば終了コード 1。"
    ),
    "Compare the contents too, which reads every file.": "中身も比べる。全ファイルを読む。",
    "Bring back from the backups what is missing in the storage.": (
        "置き場所に欠けているファイルをバックアップから取り戻す。"
    ),
    "How this machine is set differently from the one whose settings were last backed up.": (
        "最後に控えた設定と、この機械の設定の違い。"
    ),
    "Bring the ledger back from its copy; what is in its place is set aside, never deleted.": (
        "台帳を写しから取り戻す。今あるものは消さず、脇に残す。"
    ),
    "Another copy than the newest good one.": "最新の無事な写しとは別の写し。",
    "Only show which copies there are.": "写しの一覧だけを示す。",
    "The backups' key: prove its copy, add a new one.": "バックアップの鍵。控えを確かめる、鍵を加える。",
    "Open a real backup with a kept key file alone, and record that it works; due every 90 days.": (
        "控えの鍵ファイルだけで本物のバックアップを開き、開けたことを記録する。90 日ごとに行う。"
    ),
    "The key file as it is kept elsewhere, such as on a stick.": "別に保管した鍵ファイル(USB メモリなど)。",
    "Add a new key: backups from now on need it, earlier ones are still opened by the old.": (
        "新しい鍵を加える。これからのバックアップに使い、以前のものは古い鍵で開ける。"
    ),
    "Restore to a moment beside the living system, read-only, and check everything; nothing else changes.": (
        "ある時点を、動いているシステムの横に読み取り専用で復元し、すべて調べる。ほかは何も変えない。"
    ),
    "The moment: latest, a time, or before something.": "時点。latest、時刻、または「before 何か」。",
    "Name of the copy; without one, made of the time.": "写しの名前。省略すると時刻から作る。",
    "Another disk for the copy's data.": "写しのデータを置く別のディスク。",
    "Every restored copy of this machine.": "この機械の、復元した写しの一覧。",
    "The copy's name.": "写しの名前。",
    "What a switch to this copy would lose and bring back, by table and tenant.": (
        "この写しに切り替えると何を失い何が戻るか。表とテナントごとに。"
    ),
    "Stop a copy and take it away; the backups stay.": "写しを止めて消す。バックアップは残る。",
    "Letters, digits and . _ -": "英数字と . _ -",
    "Mark this moment with a name to come back to, such as before an import.": (
        "今の時点に名前を付け、戻れるようにする。取り込みの前などに。"
    ),
    "Starts of versions, incidents, named points and switches, with what to type to stop before them.": (
        "版の起動、障害、名前付きの時点、切り替え。その直前へ戻すときに打つ言葉とともに。"
    ),
    "Look into the newest so many files of change records.": "変更記録の新しい方から何個を調べるか。",
    "Only those that touched so many rows.": "この行数以上を変えたものだけ。",
    "Transactions that changed many rows, by table: to find the mistake, and the moment before it.": (
        "多くの行を変えた取引。表ごとに。間違いと、その直前の時点を見つける。"
    ),
    "Set aside whatever remembers the old database, so that another may come up; deletes nothing.": (
        "前のデータベースを覚えているものを脇に置き、別のものが起動できるようにする。何も消さない。"
    ),
    "The system that is remembered, as `hrx up` named it; or `unknown`.": (
        "覚えられているシステム。`hrx up` が示した番号、または `unknown`。"
    ),
    "Go on with the data directory that is there now.": "今あるデータディレクトリで続ける。",
    "Plan the switch to a copy; another person approves it before it runs.": (
        "写しへの切り替えを計画する。実行の前に別の人が承認する。"
    ),
    "Take the switch to this copy back: the data from before returns.": (
        "この写しへの切り替えを元に戻す。切り替え前のデータが戻る。"
    ),
    "Lose a scratch database on purpose and bring it back, measured. Exit code 1: a promise was not kept.": (
        "練習用のデータベースをわざと失い、戻して測る。守れなかった約束があれば終了コード 1。"
    ),
    "Drills to run; without any, all are listed.": "実施する訓練。省けば一覧を示す。",
    "Every one.": "すべて。",
}
