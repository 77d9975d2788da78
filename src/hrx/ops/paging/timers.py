"""What paging does when its timers are due; see `tick`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.ops.paging.escalation import ESCALATE, escalate
from hrx.ops.paging.handing_off import tell_hand_offs
from hrx.ops.paging.standing_by import keep_standby
from hrx.ops.paging.telling import TELL, tell
from hrx.ops.tick import Decision, Round

DECISIONS: Final[Mapping[str, Decision]] = {ESCALATE: escalate, TELL: tell}
ROUNDS: Final[tuple[Round, ...]] = (keep_standby, tell_hand_offs)
