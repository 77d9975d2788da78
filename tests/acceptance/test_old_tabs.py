"""A tab that was opened before a release still gets the files of its own version, through the edge."""

from __future__ import annotations

import re
import shutil

import httpx
import pytest

from tests.acceptance.operating import layout_of
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(300)]
_CHUNK = re.compile(r'src="(/_next/static/[^"?]+\.js)')


@pytest.mark.req("R3.1-3")
def test_the_files_of_this_build_are_kept_and_those_of_a_build_that_is_gone_are_served(stack: Stack) -> None:
    kept = layout_of(stack).kept_assets
    with httpx.Client(base_url=stack.portal_url, timeout=30) as tab:
        chunks = _CHUNK.findall(tab.get("/sign-in").text)
        assert chunks, "the page loads files of its build"
        name = chunks[0].removeprefix("/_next/static/")
        (own,) = [home for home in kept.iterdir() if (home / name).is_file()]
        # A build that no portal here has any more: all that is left of it is what was kept.
        gone = kept / "a-build-that-is-gone"
        (gone / "chunks").mkdir(parents=True)
        try:
            shutil.copyfile(own / name, gone / "chunks" / "of-an-older-tab.js")
            answer = tab.get("/_next/static/chunks/of-an-older-tab.js")
            assert answer.status_code == 200
            assert answer.content == tab.get(chunks[0]).content
            assert "immutable" in answer.headers["cache-control"]
            assert "javascript" in answer.headers["content-type"]
        finally:
            shutil.rmtree(gone)
        assert tab.get("/_next/static/chunks/of-an-older-tab.js").status_code == 404
