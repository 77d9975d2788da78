"""From a supported cause to recoveries with their parameters filled in from what was seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.runbook.procedures import Procedure, get_procedure
from hrx.ops.runbook.sops import Cause, Proposal, Sop
from hrx.ops.triage.result import Evidence, ProposalMade

_FACT: Final = re.compile(r"\{([a-z0-9_]+)\.([a-z0-9_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposer:
    """Knows the procedures."""

    procedures: tuple[Procedure, ...]

    def propose(
        self, sop: Sop, cause: Cause, *, evidence: Mapping[str, Evidence]
    ) -> tuple[ProposalMade, ...]:
        """The recoveries of a cause that make sense with what was seen, what stops the harm first."""
        return tuple(
            self._make(sop, item, evidence=evidence)
            for item in cause.proposals
            if item.needs is None or evidence[f"{sop.id}/{item.needs[0]}"].facts.get(item.needs[1]) is True
        )

    def _make(self, sop: Sop, proposal: Proposal, *, evidence: Mapping[str, Evidence]) -> ProposalMade:
        procedure = get_procedure(self.procedures, proposal.procedure)
        missing: list[str] = []

        def fact(match: re.Match[str]) -> str:
            found = evidence[f"{sop.id}/{match.group(1)}"].facts.get(match.group(2))
            if found is None:
                missing.append(f"{match.group(1)}.{match.group(2)}")
                return ""
            return str(found)

        params = {name: _FACT.sub(fact, value) for name, value in proposal.params.items()}
        return ProposalMade(
            procedure=procedure.id,
            title=_title(procedure),
            params=params,
            lasting=proposal.lasting.value,
            # A template such as `{part.restart_risk}` is known only to the plan; it is shown there.
            risk=procedure.risk if "{" not in procedure.risk else "medium",
            is_auto=proposal.is_auto,
            says=proposal.says,
            missing=tuple(missing),
        )


def _title(procedure: Procedure) -> Text:
    return procedure.name


def facts_named(value: str) -> tuple[tuple[str, str], ...]:
    """The `{probe.fact}` names in a parameter of a proposal."""
    return tuple((match.group(1), match.group(2)) for match in _FACT.finditer(value))
