"""Work on scores that nobody waits for: résumés are scored before somebody looks for people."""

from __future__ import annotations

import logging
from typing import Final

from hrx.app.models.client import NO_SHADOW, ScoringClient
from hrx.app.people.documents.skills.judging import find_version, judge
from hrx.app.people.documents.skills.keeping import keep_scores
from hrx.app.people.documents.skills.reading import list_unscored
from hrx.app.platform import jobs
from hrx.app.platform.jobs import JobContext
from hrx.kit.errors import Refused, Unavailable

_logger = logging.getLogger("hrx.documents")
#: Texts of one transaction: a few megabytes at most.
BATCH: Final = 20


@jobs.every_tenant("documents.score", cron="*/10 * * * *")
async def score_resumes(job: JobContext) -> None:
    """Score résumés in force that the live model has not scored; after a switch that is all of them."""
    await score_while_served(job)


async def score_while_served(job: JobContext) -> None:
    """By the live model, then by the one in the shadow, which scores the same and is shown to nobody.

    Safe to repeat. While nobody scores it does nothing; the job comes again in ten minutes."""
    if job.settings.scoring_socket is None:
        return
    scoring = ScoringClient(job.settings.scoring_socket, timeout_s=job.settings.scoring_timeout_s)
    try:
        for is_shadow in (False, True):
            counted = await score_all(job, scoring, is_shadow=is_shadow)
            if counted:
                fields = {"resumes": counted, "is_shadow": is_shadow}
                _logger.info("Résumés scored", extra={"fields": fields})
    except (Unavailable, Refused) as error:
        # That nobody is in the shadow is nothing to tell. The rest is told by figures and an alert of its
        # own; a job that fails would only say it once more.
        if error.stable_code != NO_SHADOW:
            _logger.warning("Résumés wait for scores", extra={"fields": {"code": error.stable_code}})
    finally:
        await scoring.close()


async def score_all(job: JobContext, scoring: ScoringClient, *, is_shadow: bool = False) -> int:
    """Batch by batch, each in a transaction of its own; gives how many résumés were scored."""
    counted = 0
    version = await find_version(scoring, is_shadow=is_shadow)
    while True:
        async with job.transaction() as session:
            resumes = await list_unscored(session, model_version=version, limit=BATCH, is_shadow=is_shadow)
        if not resumes:
            return counted
        # The model is asked outside of any transaction.
        judged = await judge(scoring, [one.shown for one in resumes], is_shadow=is_shadow)
        async with job.transaction() as session:
            await keep_scores(session, judged, resumes)
        counted += len(resumes)
        # Switched meanwhile: what is left is looked for under the new version.
        version = judged.version
