"""What a load did, or why it did nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.intake.findings import SHOWN_LIMIT, Findings
from app.kit.table import Notice


@dataclass(frozen=True)
class LoadReport:
    """The outcome of one file.

    Attributes
    ----------
    accepted : bool
        False when any finding is an error; then nothing was written.
    rows : int
        Rows read from the file.
    loaded, updated : int
        Rows of the layer's own table made and changed.
    findings : Findings
        All of them; `as_dict` writes out the first 10,000 and the totals.
    """

    layer: str
    file: str
    sha256: str
    format: str
    rows: int
    loaded: int
    updated: int
    findings: Findings
    notices: list[Notice] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        """Whether the file was loaded."""
        return self.findings.errors == 0

    def as_dict(self, limit: int = SHOWN_LIMIT) -> dict[str, Any]:
        """Return the report as JSON has it."""
        counts = self.findings.counts
        return {
            "accepted": self.accepted,
            "layer": self.layer,
            "file": self.file,
            "sha256": self.sha256,
            "format": self.format,
            "rows_read": self.rows,
            "loaded": self.loaded,
            "updated": self.updated,
            "errors": self.findings.errors,
            "findings_total": sum(counts.values()),
            "findings_by_code": counts,
            "findings": [f.as_dict() for f in self.findings.items(limit)],
            "notices": [{"code": n.code, "message": {"vi": n.vi, "en": n.en}} for n in self.notices],
        }
