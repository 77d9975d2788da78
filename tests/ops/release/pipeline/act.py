"""A stage's command as tests need one: it tells a journal what it does, and waits where it is told to.

`act.py FOLDER NAME`: what `FOLDER/NAME.json` says. Imports nothing of ours: it stands for any program."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

folder, name = Path(sys.argv[1]), sys.argv[2]
mood_file = folder / f"{name}.json"
mood = json.loads(mood_file.read_text()) if mood_file.exists() else {}


def tell(what: str) -> None:
    with (folder / "journal").open("a") as journal:
        journal.write(f"{what} {name} {os.getpid()}\n")


tell("begin")
if mood.get("child"):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    (folder / f"{name}.child").write_text(str(child.pid))
print(mood.get("stderr", f"{name} at work"), file=sys.stderr, flush=True)
deadline = time.monotonic() + 120
while (folder / f"{name}.hold").exists() and time.monotonic() < deadline:
    time.sleep(0.02)
if "stdout" in mood:
    print(mood["stdout"], flush=True)
else:
    document = {"check": name, "outcome": mood.get("outcome", "passed"), "detail": mood.get("detail", "")}
    print(json.dumps(document), flush=True)
tell("end")
sys.exit(mood.get("exit", 0))
