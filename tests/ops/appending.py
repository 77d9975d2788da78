"""One of several processes that append to the same ledger at once: `appending.py URL NAME COUNT`."""

import sys

from hrx.ops.ledger.entries import Kind, open_ledger

url, name, count = sys.argv[1:]
ledger = open_ledger(url)
for number in range(int(count)):
    ledger.append(Kind.LOOK, actor=name, body={"number": number})
