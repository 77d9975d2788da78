"""The help of `hrx contacts` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Contacts: people, vendors, and when each was last confirmed.": "連絡先と、最後に確認した日。",
    "Everybody who can be called, with the day of the last confirmation.": "連絡先と最後に確認した日。",
    "Stand by an entry: it was called, and it answered.": "連絡先を確かめたことを記録する。",
    "The entry, such as sato or vendor:stripe.": "連絡先の名前(例: sato、vendor:stripe)。",
    "Which entries were not confirmed for too long. Exit code 1 when there is one.": (
        "確認が古い連絡先。あれば終了コード 1。"
    ),
}
