"""The rules of the gate as words: what is wrong, why it hurts people, and how to write it safely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; `rewrite` is the safe way, as SQL or as a sentence where SQL alone does not say it."""

    id: str
    why: Text
    rewrite: Text


def _rule(id_: str, ja: str, en: str, rewrite_ja: str, rewrite_en: str) -> Rule:
    return Rule(id=id_, why=Text(ja=ja, en=en), rewrite=Text(ja=rewrite_ja, en=rewrite_en))


_EVERY: Final = (
    _rule(
        "index-not-concurrent",
        "索引を作り終えるまで、この表への書き込みがすべて待たされます。",
        "Every write to the table waits until the index is built.",
        "autocommit_block() の中で CREATE INDEX CONCURRENTLY(または REINDEX … CONCURRENTLY)",
        "CREATE INDEX CONCURRENTLY (or REINDEX … CONCURRENTLY) in an autocommit_block()",
    ),
    _rule(
        "concurrent-in-transaction",
        "CONCURRENTLY はトランザクションの中では実行できず、移行がここで失敗します。",
        "CONCURRENTLY cannot run inside a transaction: the migration fails here.",
        "with op.get_context().autocommit_block(): の中に移します。",
        "Move it into `with op.get_context().autocommit_block():`.",
    ),
    _rule(
        "not-null-unproven",
        "排他ロックを持ったまま全行を読みます。NULL が 1 行でもあれば失敗します。",
        "The whole table is read under an exclusive lock; a single NULL makes it fail.",
        "ADD CONSTRAINT 名前 NOT NULL 列 NOT VALID → 別のトランザクションで VALIDATE CONSTRAINT 名前",
        "ADD CONSTRAINT name NOT NULL column NOT VALID; in another transaction, VALIDATE CONSTRAINT name",
    ),
    _rule(
        "column-without-default",
        "行がある表では失敗します。動いている旧コードもこの列を埋めません。",
        "Fails on a table that has rows, and code that still runs does not fill the column.",
        "NULL を許す列として追加し、分割して埋めてから、次のリリースで NOT NULL にします。",
        "Add it nullable, backfill in batches, make it NOT NULL in the next release.",
    ),
    _rule(
        "default-volatile",
        "行ごとに値が決まるため、排他ロックを持ったまま表全体を書き直します。",
        "Each row gets a value of its own: the whole table is rewritten under an exclusive lock.",
        "列を既定値なしで追加 → ALTER COLUMN … SET DEFAULT → 分割して埋めます(計算列なら VIRTUAL)。",
        "Add the column without a default, ALTER COLUMN … SET DEFAULT, backfill in batches"
        " (VIRTUAL for a generated one).",
    ),
    _rule(
        "foreign-key-valid-at-once",
        "両方の表への書き込みを止めたまま、全行を照合します。",
        "All rows are compared while writes to both tables wait.",
        "… FOREIGN KEY … NOT VALID → 別のトランザクションで VALIDATE CONSTRAINT",
        "… FOREIGN KEY … NOT VALID; then, in another transaction, VALIDATE CONSTRAINT",
    ),
    _rule(
        "check-valid-at-once",
        "排他ロックを持ったまま全行を検査します。",
        "All rows are checked under an exclusive lock.",
        "… CHECK (…) NOT VALID → 別のトランザクションで VALIDATE CONSTRAINT",
        "… CHECK (…) NOT VALID; then, in another transaction, VALIDATE CONSTRAINT",
    ),
    _rule(
        "validated-in-same-transaction",
        "先に取った強いロックがコミットまで残り、検査の間も読み書きが止まります。",
        "The strong lock taken before is kept until commit, so reads and writes wait during the check too.",
        "VALIDATE CONSTRAINT を別のトランザクション(または次のリビジョン)に分けます。",
        "Put VALIDATE CONSTRAINT into a transaction (or revision) of its own.",
    ),
    _rule(
        "unique-without-index",
        "制約の索引を、排他ロックを持ったまま作ります。",
        "The index behind the constraint is built under an exclusive lock.",
        "CREATE UNIQUE INDEX CONCURRENTLY → ADD CONSTRAINT … UNIQUE USING INDEX(除外制約は新しい表で)",
        "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX"
        " (an exclusion constraint: in a new table)",
    ),
    _rule(
        "type-rewrite",
        "排他ロックを持ったまま、表の全行を書き直すか検査します。",
        "The whole table is rewritten or checked under an exclusive lock.",
        "新しい型の列を追加 → 両方に書く → 分割して埋める → 切り替え → 次のリリースで旧列を削除",
        "Add a column of the new type, write both, backfill in batches, switch, drop the old a release later",
    ),
    _rule(
        "type-under-view",
        "ビューがこの列を使っているため、失敗します。",
        "Fails: a view uses the column.",
        "同じトランザクションでビューを削除し、変更後に作り直します。書き直しが要る型なら新しい列にします。",
        "Drop the view and make it again in one transaction; for a type that rewrites, add a new column.",
    ),
    _rule(
        "column-dropped",
        "動いている、または戻る可能性のあるコードが、この列を読みます。値は失われます。",
        "Code that runs, or may come back, reads the column. Its values are lost.",
        "まず列を使わないリリースを出し、戻り先がすべてそうなってから削除します。declares_loss に書きます。",
        "Ship a release that does not use it; drop it once every release to go back to is such. Name it in"
        " declares_loss.",
    ),
    _rule(
        "table-dropped",
        "動いている、または戻る可能性のあるコードが、この表を読みます。行は失われます。",
        "Code that runs, or may come back, reads the table. Its rows are lost.",
        "まず表を使わないリリースを出し、戻り先がすべてそうなってから削除します。declares_loss に書きます。",
        "Ship a release that does not use it; drop it once every release to go back to is such. Name it in"
        " declares_loss.",
    ),
    _rule(
        "column-renamed",
        "動いているコードは古い名前しか知りません。",
        "Code that still runs knows only the old name.",
        "新しい列を追加して両方に書き、切り替えてから古い列を削除します。",
        "Add a new column, write both, switch, drop the old one a release later.",
    ),
    _rule(
        "table-renamed",
        "動いているコードは古い名前しか知りません。",
        "Code that still runs knows only the old name.",
        "名前を変えた表に、古い名前の更新可能なビューを同じトランザクションで置きます。",
        "In the same transaction, put an updatable view with the old name over the renamed table.",
    ),
    _rule(
        "object-dropped",
        "動いているコードが、まだこれを使います。",
        "Code that still runs uses it.",
        "作り直すなら同じトランザクションで。なくすなら、使わないリリースの次のリリースで。",
        "Make it again in the same transaction, or drop it a release after the one that stopped using it.",
    ),
    _rule(
        "backfill-in-transaction",
        "全行を一度に更新すると、終わるまで書き込みが行ごとに待たされ、表も膨らみます。",
        "Updating everything at once keeps every row locked for writers until it ends, and bloats the table.",
        "hrx.ops.release.migrations.backfilling の run_backfill で、少しずつ(中断と再開ができます)。",
        "In batches, resumable: run_backfill of hrx.ops.release.migrations.backfilling.",
    ),
    _rule(
        "change-then-data",
        "ALTER の排他ロックを持ったまま行を書くため、読み取りまで止まります。",
        "Rows are written while the lock of the change before is held: readers wait too.",
        "構造の変更とデータの変更を、別のトランザクション(リビジョン)に分けます。",
        "Put changes of the schema and changes of rows into separate transactions (revisions).",
    ),
    _rule(
        "mass-delete",
        "行が失われ、終わるまで残りの行への書き込みも待たされます。",
        "Rows are lost, and writers wait until it ends.",
        "分割して消します。declares_loss に書き、検証済みのバックアップを用意します。",
        "Delete in batches; name the loss in declares_loss and have a verified backup.",
    ),
    _rule(
        "table-emptied",
        "表の行がすべて失われ、排他ロックで読み取りも止まります。",
        "All rows are lost, under an exclusive lock.",
        "空にする理由を declares_loss に書き、検証済みのバックアップを用意します。",
        "Name the loss in declares_loss and have a verified backup.",
    ),
    _rule(
        "lock-table",
        "続く処理が終わるまで、この表を使う人が待たされます。",
        "Whoever uses the table waits for everything that follows.",
        "必要な行だけを SELECT … FOR UPDATE で。表全体のロックはやめます。",
        "Lock the rows that matter (SELECT … FOR UPDATE) instead of the table.",
    ),
    _rule(
        "table-rewritten",
        "排他ロックを持ったまま、表全体を書き直します。",
        "The whole table is written anew under an exclusive lock.",
        "移行では行いません。停止時間を取るか、pg_repack のような並行の方法で行います。",
        "Not in a migration: in an announced downtime, or with a concurrent tool such as pg_repack.",
    ),
    _rule(
        "view-refreshed-at-once",
        "計算が終わるまで、このビューを読む人が待たされます。",
        "Readers of the view wait while it is worked out.",
        "一意の索引を付けて REFRESH MATERIALIZED VIEW CONCURRENTLY",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index",
    ),
    _rule(
        "enum-used-at-once",
        "追加した値は、コミットされるまで使えません。移行がここで失敗します。",
        "A new enum value cannot be used before it is committed: the migration fails here.",
        "値の追加を autocommit_block に入れるか、前のリビジョンに分けます。",
        "Add the value in an autocommit_block or in the revision before.",
    ),
    _rule(
        "enum-renamed",
        "動いているコードは古い値を書きます。",
        "Code that still runs writes the old value.",
        "新しい値を追加し、切り替えてから古い値を使わなくします。",
        "Add the new value, switch, and stop using the old one.",
    ),
    _rule(
        "lock-timeout-off",
        "長い処理が 1 つあるだけで、この変更の後ろに全員が並びます。",
        "Behind one long transaction, everybody queues behind this change.",
        "実行する側の lock_timeout に任せます(既定 200 ms、再試行あり)。",
        "Leave lock_timeout to the runner (200 ms, with retries).",
    ),
    _rule(
        "downgrade-empty",
        "downgrade が何も戻しません。戻したつもりで戻っていない、が起こります。",
        "The downgrade undoes nothing: a way back that is none, without a word.",
        "本当に戻す downgrade を書きます。戻せないなら declares_loss に書きます。",
        "Write a downgrade that undoes it; what cannot come back goes into declares_loss.",
    ),
    _rule(
        "tenant-table-unprotected",
        "他社の行との間に壁がありません。",
        "Nothing keeps one customer's rows from another's.",
        "tenant_id bigint NOT NULL DEFAULT app.current_tenant() と SELECT app.protect('表')",
        "tenant_id bigint NOT NULL DEFAULT app.current_tenant(), and SELECT app.protect('table')",
    ),
    _rule(
        "protection-removed",
        "行の保護が外れます。他社の行が見える可能性があります。",
        "Row-level protection goes: customers may see each other's rows.",
        "外さず、方針(POLICY)を足すか置き換えます。",
        "Add or replace a policy; do not take the wall down.",
    ),
    _rule(
        "unreadable",
        "この文を読み取れません。安全とは言えません。",
        "This cannot be read, so it cannot be called safe.",
        "動的な SQL をやめて文をそのまま書くか、理由を付けて受け入れます。",
        "Write the statement out instead of composing it, or accept it with a reason.",
    ),
    _rule(
        "accept-without-reason",
        "受け入れる理由がありません。",
        "The acceptance gives no reason.",
        "# hrx: accept 規則 because 理由(10 文字以上)",
        "# hrx: accept RULE because … (ten characters or more)",
    ),
    _rule(
        "accept-unused",
        "受け入れた指摘が、もうありません。",
        "What was accepted is no longer found.",
        "その行を消します。",
        "Take the line out.",
    ),
)

RULES: Final = {rule.id: rule for rule in _EVERY}
