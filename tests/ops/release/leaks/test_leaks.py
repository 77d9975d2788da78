"""What is planted is found wherever it leaks to, what is none is let go, and no value is ever shown."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.leaks_corpus import Sample, make_corpus
from hrx.kit.errors import Invalid, Refused, Unavailable
from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.ledger.reading_text import stream_texts
from hrx.ops.release.environments.fingerprints import FingerprintKey, load_key
from hrx.ops.release.environments.inner import list_inner
from hrx.ops.release.leaks import places
from hrx.ops.release.leaks.allowed import hash_value, read_allowed
from hrx.ops.release.leaks.places import (
    Piece,
    PlaceKind,
    read_build,
    read_history,
    read_logs,
    read_rows,
    read_tree,
)
from hrx.ops.release.leaks.real import RealSecrets, know_values
from hrx.ops.release.leaks.remembering import CleanBlobs
from hrx.ops.release.leaks.scanning import ScanReport, scan

pytestmark = pytest.mark.req("R3.6-1")
KEY = FingerprintKey(secrets.token_bytes(32))
SEEDS = range(6)


def scan_text(text: str, *, known: RealSecrets | None = None) -> ScanReport:
    piece = Piece(kind=PlaceKind.TREE, path="a.txt", data=text.encode())
    return scan([piece], key=KEY, known=known)


def corpus() -> list[Sample]:
    return [sample for seed in SEEDS for sample in make_corpus(seed)]


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@hrx.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("var/\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_every_planted_key_is_found_and_never_shown() -> None:
    planted = [sample for sample in corpus() if sample.secret]
    assert len({sample.name for sample in planted}) >= 20
    for sample in planted:
        report = scan_text(sample.text)
        assert report.leaks, sample.name
        assert sample.secret is not None
        shown = json.dumps(asdict(report), default=str) + repr(report)
        body = sample.secret[-16:]
        assert body not in shown, sample.name


def test_no_decoy_is_reported() -> None:
    decoys = [sample for sample in corpus() if sample.secret is None]
    assert len({sample.name for sample in decoys}) >= 10
    assert {
        sample.name: scan_text(sample.text).leaks for sample in decoys if scan_text(sample.text).leaks
    } == {}


def test_tree_is_what_git_would_take_in(checkout: Path) -> None:
    sample = make_corpus(1)[0]
    for name in ("new.py", "var/kept.py"):
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text("\n\n" + sample.text)
    report = scan(read_tree(checkout), key=KEY)
    assert [(leak.path, leak.line, leak.rule) for leak in report.leaks] == [("new.py", 3, "stripe-key")]
    assert report.leaks[0].masked.startswith("sk_live_••••••")


def test_a_file_that_was_changed_since_it_was_clean_is_read_again(checkout: Path) -> None:
    clean = CleanBlobs(checkout / "var" / "clean.json")
    (checkout / "a.py").write_text("nothing\n")
    git(checkout, "add", ".")
    assert scan(read_tree(checkout), key=KEY, clean=clean).leaks == ()
    assert clean.knows(next(piece.blob for piece in read_tree(checkout) if piece.path == "a.py"))
    (checkout / "a.py").write_text(make_corpus(1)[0].text)
    assert [leak.path for leak in scan(read_tree(checkout), key=KEY, clean=clean).leaks] == ["a.py"]
    git(checkout, "add", ".")
    assert [leak.path for leak in scan(read_tree(checkout), key=KEY, clean=clean).leaks] == ["a.py"]


def test_what_was_removed_is_still_found_in_history_once(checkout: Path) -> None:
    sample = make_corpus(2)[0]
    path = checkout / "app.py"
    for text in (sample.text, sample.text + "# more\n"):
        path.write_text(text)
        git(checkout, "add", ".")
        git(checkout, "commit", "-qm", "leak")
    path.unlink()
    git(checkout, "commit", "-qam", "gone")
    assert scan(read_tree(checkout), key=KEY).leaks == ()
    report = scan(read_history(checkout), key=KEY)
    assert [(leak.path, leak.rule) for leak in report.leaks] == [("app.py", "stripe-key")]
    assert len(report.leaks[0].blob) == 40


def test_what_was_clean_is_remembered_and_a_secret_that_is_in_use_is_looked_for_again(checkout: Path) -> None:
    word = "correct-horse-battery"
    for name, text in (("a.md", f"we say {word} here\n"), ("b.py", make_corpus(2)[0].text)):
        (checkout / name).write_text(text)
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "two")
    path = checkout / "var" / "ops" / "leaks-clean.json"

    def look(known: RealSecrets | None = None) -> list[str]:
        clean = CleanBlobs(path)
        report = scan(read_history(checkout), key=KEY, known=known, clean=clean)
        clean.save()
        return sorted(f"{leak.rule} {leak.path}" for leak in report.leaks)

    assert look() == look() == ["stripe-key b.py"]
    kept = json.loads(path.read_text())
    assert len(kept["blobs"]) == 2, "the ignore file and a.md"
    assert look(know_values({"HRX_X": word})) == ["in-use a.md", "stripe-key b.py"]
    # Remembered by other rules, or not readable: read again.
    every = subprocess.run(
        ["git", "-C", str(checkout), "rev-list", "--objects", "--all"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = [line.split()[0] for line in every.stdout.splitlines()]
    for text in (json.dumps({"rules": "other", "blobs": names}), "no JSON", "[]"):
        path.write_text(text)
        assert look() == ["stripe-key b.py"]


def test_a_shallow_clone_is_not_called_clean(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(checkout, "commit", "-q", "--allow-empty", "-m", "second")
    clone = tmp_path_factory.mktemp("clone") / "c"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", f"file://{checkout}", str(clone)],
        check=True,
        capture_output=True,
    )
    with pytest.raises(Unavailable):
        list(read_history(clone))


def test_a_folder_without_git_is_not_called_clean(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        list(read_tree(tmp_path))


@pytest.mark.parametrize("spelling", ["plain", "base64", "base64 in a longer text", "in an address"])
def test_a_server_secret_in_what_browsers_are_sent_is_found(tmp_path: Path, spelling: str) -> None:
    # One that no rule of form or context would tell: a word that people chose.
    value = "correct-horse-battery"
    written = {
        "plain": value,
        "base64": base64.b64encode(value.encode()).decode(),
        "base64 in a longer text": base64.b64encode(f"ab{value}xyz".encode()).decode(),
        "in an address": f"postgres://x:{value}@h",
    }[spelling]
    static = tmp_path / "static" / "chunks"
    static.mkdir(parents=True)
    (static / "a.js").write_text(f'let a="{written}";')
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "b.js").write_text(f'let a="{written}";')
    known = know_values({"HRX_DATABASE_URL": f"postgresql://hrx_app:{value}@db/hrx"})
    report = scan(read_build(tmp_path), key=KEY, known=known)
    assert [(leak.rule, leak.path) for leak in report.leaks] == [("in-use", "static/chunks/a.js")]
    assert "HRX_DATABASE_URL" in report.leaks[0].masked
    assert value not in repr(report)


def test_a_secret_of_an_environment_whose_values_stay_there_is_found_by_its_fingerprint(
    tmp_path: Path,
) -> None:
    value = secrets.token_urlsafe(24)
    static = tmp_path / "static"
    static.mkdir()
    (static / "a.js").write_text(f'fetch("/x?token={value}");let b={{k:"{secrets.token_urlsafe(24)}"}}')
    known = RealSecrets(fingerprints={KEY.of(value): "HRX_SEAL_KEYS"}, key=KEY)
    report = scan(read_build(tmp_path), key=KEY, known=known)
    assert [leak.masked for leak in report.leaks if leak.rule == "in-use"] == ["HRX_SEAL_KEYS ••••••"]
    other = RealSecrets(fingerprints={KEY.of(value): "X"}, key=FingerprintKey(secrets.token_bytes(32)))
    assert all(leak.rule != "in-use" for leak in scan(read_build(tmp_path), key=KEY, known=other).leaks)


def test_logs_and_ledger_are_looked_at(tmp_path: Path) -> None:
    value = secrets.token_urlsafe(32)
    (tmp_path / "log" / "closed").mkdir(parents=True)
    (tmp_path / "log" / "closed" / "api@1.log").write_text(f"ok\nconnecting with {value}\n")
    known = know_values({"HRX_SESSION_KEYS": f"{secrets.token_urlsafe(32)},{value}"})
    report = scan(read_logs(tmp_path / "log"), key=KEY, known=known)
    assert [(leak.path, leak.line) for leak in report.leaks] == [("closed/api@1.log", 2)]
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    try:
        ledger.append(Kind.CONTAINMENT, actor="run", body={"said": "fine"})
        leaking = ledger.append(Kind.CONTAINMENT, actor="run", body={"said": f"key {value}"})
        report = scan(read_rows(stream_texts(ledger.store)), key=KEY, known=known)
    finally:
        ledger.store.close()
    assert [leak.path for leak in report.leaks] == [f"entry {leaking.seq}"]


def test_an_exception_needs_a_reason_and_excuses_one_value_of_one_kind(tmp_path: Path) -> None:
    first, second = make_corpus(3)[0], make_corpus(4)[0]
    assert first.secret is not None
    path = tmp_path / "allowed.yaml"
    row = f"- rule: stripe-key\n  path: '*.txt'\n  sha256: {hash_value(first.secret.encode())}\n"
    path.write_text(row + "  reason: revoked in 2024 and kept as an example\n")
    allowed = read_allowed(path)
    text = (first.text + second.text).encode()
    report = scan([Piece(kind=PlaceKind.TREE, path="a.txt", data=text)], key=KEY, allowed=allowed)
    assert (report.excused, len(report.leaks), report.stale) == (1, 1, ())
    # In a file that the entry does not name, nothing is excused, and the entry is told to be of no use.
    report = scan([Piece(kind=PlaceKind.TREE, path="a.py", data=text)], key=KEY, allowed=allowed)
    assert (report.excused, len(report.leaks), report.stale) == (0, 2, allowed)
    for wrong in (row, row + "  reason: ok\n", row.replace("sha256", "sha") + "  reason: a b c\n", "- x\n"):
        path.write_text(wrong)
        with pytest.raises(Invalid):
            read_allowed(path)


def test_a_secret_in_use_is_excused_by_nothing(tmp_path: Path) -> None:
    sample = make_corpus(5)[0]
    assert sample.secret is not None
    path = tmp_path / "allowed.yaml"
    path.write_text(
        "- {rule: in-use, path: '*', reason: we like it there, "
        f"sha256: {hash_value(sample.secret.encode())}}}\n"
    )
    report = scan(
        [Piece(kind=PlaceKind.TREE, path="a", data=sample.text.encode())],
        key=KEY,
        known=know_values({"HRX_X": sample.secret}),
        allowed=read_allowed(path),
    )
    assert "in-use" in {leak.rule for leak in report.leaks}


def test_what_was_not_looked_at_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MAX_BYTES", 1_000)
    (checkout / "big.sql").write_text("x" * 2_000)
    report = scan(read_tree(checkout), key=KEY)
    assert (report.not_looked_at, report.is_clean) == (("big.sql",), False)


def test_what_is_secret_in_a_value_is_taken_out_of_it() -> None:
    part = "p%2Fass-word-1"
    assert list_inner(f"postgresql://hrx_app:{part}@db:5432/hrx") == ("p/ass-word-1",)
    assert list_inner("newest-key-000001, former-key-000001") == ("newest-key-000001", "former-key-000001")
    providers = '[{"id": "google", "client_id": "public-12345678", "client_secret": "GOCSPX-1234567"}]'
    assert list_inner(providers) == ("GOCSPX-1234567",)
    assert list_inner("[]") == ()
    assert list_inner("redis://127.0.0.1:6379/0") == ()


def test_a_key_of_fingerprints_is_made_once_for_oneself(tmp_path: Path) -> None:
    path = tmp_path / "ops" / "fingerprint.key"
    first = load_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path) == first
    assert first.of("a") == first.of(b"a") != first.of("b")
    assert first.secret.hex() not in repr(first)
    path.chmod(0o644)
    with pytest.raises(Refused):
        load_key(path)
    path.chmod(0o600)
    path.write_text("no key\n")
    with pytest.raises(Refused):
        load_key(path)
