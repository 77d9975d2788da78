"""The portal in people's browsers: web vitals, page views, errors. The pages send them, the API counts."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import chosen, counter, gauge, histogram
from hrx.kit.figures import Metric, Source

#: Templates of the portal's pages; what is none of them counts as `unmatched`. A test compares this with
#: web/routes.json, which the portal's own server and its pages read.
WEB_ROUTES: Final = (
    "/",
    "/account",
    "/assistant",
    "/audit",
    "/changes",
    "/documents",
    "/documents/[id]",
    "/documents/[id]/versions/[versionId]",
    "/evaluation",
    "/evaluation/runs/[id]",
    "/evaluation/sets/[id]",
    "/imports",
    "/imports/[id]",
    "/matching",
    "/matching/[id]",
    "/org",
    "/people",
    "/people/[id]",
    "/people/new",
    "/sign-in",
    "/users",
)
UNMATCHED: Final = "unmatched"
#: What a browser calls an error; a name of its own counts as `other`.
WEB_ERROR_TYPES: Final = (
    "AbortError",
    "ApiProblem",
    "ChunkLoadError",
    "DOMException",
    "Error",
    "NetworkError",
    "RangeError",
    "ReferenceError",
    "SecurityError",
    "SyntaxError",
    "TimeoutError",
    "TypeError",
    "other",
)
DEVICES: Final = ("desktop", "mobile")
#: Bounds at the lines that the measures themselves draw (good, needs improvement, poor), and around them.
_LOADING_S: Final = (0.5, 1.0, 1.5, 1.8, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)
_INPUT_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)

_ROUTE: Final = chosen("route", *WEB_ROUTES, UNMATCHED)
_DEVICE: Final = chosen("device", *DEVICES)


def _vital(name: str, *, ja: str, en: str, buckets: tuple[float, ...]) -> Metric:
    return histogram(
        f"hrx_web_vital_{name}_seconds",
        Source.API,
        unit="s",
        ja=ja,
        en=en,
        labels=(_ROUTE, _DEVICE),
        buckets=buckets,
    )


WEB_LCP: Final = _vital(
    "lcp",
    ja="最大の要素が表示されるまでの時間(LCP)。2.5 秒以下が良好。",
    en="Largest contentful paint; good up to 2.5 s.",
    buckets=_LOADING_S,
)
WEB_INP: Final = _vital(
    "inp",
    ja="操作してから画面が応えるまでの時間(INP)。0.2 秒以下が良好。",
    en="Interaction to next paint; good up to 0.2 s.",
    buckets=_INPUT_S,
)
WEB_FID: Final = _vital(
    "fid",
    ja="最初の操作が待たされた時間(FID。INP に置き換えられた旧指標)。",
    en="First input delay; the measure that INP replaced.",
    buckets=(0.01, *_INPUT_S),
)
WEB_FCP: Final = _vital(
    "fcp",
    ja="最初の何かが表示されるまでの時間(FCP)。1.8 秒以下が良好。",
    en="First contentful paint; good up to 1.8 s.",
    buckets=_LOADING_S,
)
WEB_TTFB: Final = _vital(
    "ttfb",
    ja="最初の 1 バイトが届くまでの時間(TTFB)。0.8 秒以下が良好。",
    en="Time to first byte; good up to 0.8 s.",
    buckets=(0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 1.8, 3.0, 6.0),
)
WEB_CLS: Final = histogram(
    "hrx_web_vital_cls",
    Source.API,
    unit="score",
    ja="表示のずれ(CLS)。0.1 以下が良好。",
    en="Cumulative layout shift; good up to 0.1.",
    labels=(_ROUTE, _DEVICE),
    buckets=(0.01, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0),
)
WEB_PAGE_VIEWS: Final = counter(
    "hrx_web_page_views_total",
    Source.API,
    unit="views",
    ja="ページの表示回数。",
    en="Page views.",
    labels=(_ROUTE,),
)
WEB_ERRORS: Final = counter(
    "hrx_web_errors_total",
    Source.API,
    unit="errors",
    ja="ブラウザーで起きた JavaScript の誤り。",
    en="JavaScript errors in browsers.",
    labels=(_ROUTE, chosen("error_type", *WEB_ERROR_TYPES)),
)
WEB_USERS: Final = gauge(
    "hrx_web_unique_users",
    Source.API,
    unit="users",
    ja="サインインして使った人の数(推定、誤差約 1 %)。誰かは残さない。Redis が空になると数え直す。",
    en="Signed-in people who used it, to about 1 %; nobody's identity is kept. An emptied Redis starts anew.",
    labels=(chosen("window", "1d", "7d", "30d"),),
)
WEB_BEACONS: Final = counter(
    "hrx_web_beacons_total",
    Source.API,
    unit="beacons",
    ja="ブラウザーから届いた計測の知らせ。",
    en="Reports that browsers sent.",
    labels=(chosen("outcome", "accepted", "limited"),),
)
VITALS: Final = {
    "LCP": WEB_LCP,
    "INP": WEB_INP,
    "FID": WEB_FID,
    "FCP": WEB_FCP,
    "TTFB": WEB_TTFB,
    "CLS": WEB_CLS,
}
WEB: Final = (*VITALS.values(), WEB_PAGE_VIEWS, WEB_USERS, WEB_ERRORS, WEB_BEACONS)
