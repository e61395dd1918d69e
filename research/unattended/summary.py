"""What came of a run of a schedule, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from research.unattended.jobs import Outcome


@dataclass(kw_only=True)
class Summary:
    """What came of a run."""

    run: str  # its id
    outcomes: list[Outcome] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)  # entries that another run has, and which
    repaired: list[str] = field(default_factory=list)  # sentences
    trouble: list[str] = field(default_factory=list)  # what failed beside the reports

    @property
    def exit_code(self) -> int:
        """0 all done, 1 something failed, 3 a strict report's checks failed and nothing else."""
        states = {outcome.state for outcome in self.outcomes} - {"done"}
        if self.trouble or states - {"gate"}:
            return 1
        return 3 if states else 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "run": self.run,
            "exit_code": self.exit_code,
            "reports": [_to_dict(outcome) for outcome in self.outcomes],
            "left": self.left,
            "repaired": self.repaired,
            "trouble": self.trouble,
        }


def _to_dict(outcome: Outcome) -> dict[str, Any]:
    return {
        "report": outcome.job.name,
        "period": outcome.job.period,
        "state": outcome.state,
        "page": None if outcome.page is None else str(outcome.page),
        "reason": outcome.reason,
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 1),
        "peak_megabytes": round(outcome.peak_megabytes, 1),
        "flips": [*outcome.flips],
    }
