"""The checks by name, in the order of the pipeline, and what each is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.checking.auditing.images import check_images
from hrx.ops.release.checking.auditing.node import check_audit_node
from hrx.ops.release.checking.auditing.python import check_audit_python
from hrx.ops.release.checking.browsing import check_e2e
from hrx.ops.release.checking.caching import check_cache_clear
from hrx.ops.release.checking.marking import check_mark
from hrx.ops.release.checking.proving import check_static, check_tests, check_web
from hrx.ops.release.checking.results import Bench, Checked
from hrx.ops.release.checking.smoke import check_smoke
from hrx.ops.release.checking.staging import check_staging


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`changes`: it changes something outside its own folder, so that it says who asked."""

    name: str
    title: Text
    run: Callable[[Bench], Checked]
    changes: bool = False


CHECKS: Final = (
    Check(name="tests", title=Text(ja="すべてのテスト", en="Every test"), run=check_tests),
    Check(
        name="static", title=Text(ja="静的解析と秘密の検査", en="Static analysis, leaks"), run=check_static
    ),
    Check(name="web", title=Text(ja="ポータルの検査", en="The portal's own checks"), run=check_web),
    Check(
        name="audit-python",
        title=Text(ja="Python パッケージの脆弱性", en="Known holes in Python packages"),
        run=check_audit_python,
    ),
    Check(
        name="audit-node",
        title=Text(ja="ポータルのパッケージの脆弱性", en="Known holes in the portal's packages"),
        run=check_audit_node,
    ),
    Check(
        name="image-scan",
        title=Text(ja="コンテナイメージの脆弱性", en="Known holes in container images"),
        run=check_images,
    ),
    Check(
        name="staging",
        title=Text(ja="検証環境での起動", en="Up on a staging environment"),
        run=check_staging,
        changes=True,
    ),
    Check(name="e2e", title=Text(ja="ブラウザーでの通し確認", en="A walk in a browser"), run=check_e2e),
    Check(name="smoke", title=Text(ja="公開後の外からの確認", en="From outside, once live"), run=check_smoke),
    Check(
        name="cache-clear",
        title=Text(ja="前の版のキャッシュを消す", en="Views of former versions leave the cache"),
        run=check_cache_clear,
        changes=True,
    ),
    Check(
        name="mark",
        title=Text(ja="監視の図に印を付ける", en="A mark where figures are looked at"),
        run=check_mark,
        changes=True,
    ),
)


def find_check(name: str) -> Check | None:
    return next((one for one in CHECKS if one.name == name), None)
