"""What a command's end means. Pure: no word of a check is turned into "passed" that did not say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hrx.kit.errors import Text
from hrx.ops.release.pipeline.keeping import NOT_STARTED, STOPPED, TIMED_OUT
from hrx.ops.release.pipeline.stages import Reads, Stage, Stand
from hrx.ops.release.releases import is_release_id

_LONGEST_DETAIL: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a stage ended. `release_id` is what a build gave; empty for every other stage."""

    stand: Stand
    exit_code: int | None
    says: Text | None = None
    release_id: str = ""


# `Any`: stored JSON.
def judge(stage: Stage, result: Mapping[str, Any]) -> Ending:
    """The end of a stage whose keeper left `result`."""
    code = result.get("exit")
    exit_code = code if isinstance(code, int) else None
    how = result.get("how")
    if how == STOPPED:
        return Ending(stand=Stand.STOPPED, exit_code=exit_code, says=Text(ja="止めました", en="stopped"))
    if how == TIMED_OUT:
        late = Text(
            ja=f"{stage.timeout_s:g} 秒の時間制限を超えました", en=f"took longer than {stage.timeout_s:g} s"
        )
        return Ending(stand=Stand.FAILED, exit_code=exit_code, says=late)
    if how == NOT_STARTED:
        says = Text(ja="命令を始められません", en="the command could not be started")
        return Ending(stand=Stand.FAILED, exit_code=None, says=says)
    document = result.get("document")
    return _judge_end(stage, exit_code, document if isinstance(document, dict) else {})


# `Any`: a program's JSON.
def _judge_end(stage: Stage, exit_code: int | None, document: Mapping[str, Any]) -> Ending:
    detail = _detail_of(document)
    if exit_code != 0:
        code = Text(ja=f"終了コード {exit_code}", en=f"exit code {exit_code}")
        says = Text(ja=f"{code.ja}: {detail}", en=f"{code.en}: {detail}") if detail else code
        return Ending(stand=Stand.FAILED, exit_code=exit_code, says=says)
    said = Text(ja=detail, en=detail) if detail else None
    if stage.reads is Reads.CHECK:
        return _judge_check(document, said)
    if stage.reads is Reads.RELEASE:
        name = document.get("release")
        if not isinstance(name, str) or not is_release_id(name):
            says = Text(ja="どのリリースを作ったかを言いませんでした", en="did not say which release it made")
            return Ending(stand=Stand.FAILED, exit_code=0, says=says)
        return Ending(stand=Stand.PASSED, exit_code=0, says=Text(ja=name, en=name), release_id=name)
    return Ending(stand=Stand.PASSED, exit_code=0, says=said)


# `Any`: a program's JSON.
def _judge_check(document: Mapping[str, Any], said: Text | None) -> Ending:
    outcome = document.get("outcome")
    if outcome == "passed":
        return Ending(stand=Stand.PASSED, exit_code=0, says=said)
    if outcome == "failed":
        return Ending(stand=Stand.FAILED, exit_code=0, says=said)
    silent = Text(ja="結果を言いませんでした", en="said nothing about what it found")
    return Ending(stand=Stand.NOT_CHECKED, exit_code=0, says=said or silent)


# `Any`: a program's JSON.
def _detail_of(document: Mapping[str, Any]) -> str:
    error = document.get("error")
    found = error.get("message") if isinstance(error, dict) else document.get("detail")
    return " ".join(str(found).split())[:_LONGEST_DETAIL] if found else ""
