"""Takes a stored verdict apart again: the model's estimate on one side, claims and measurements on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CLAIMS = ("polygon", "claim")
_SHARES = ("verdict", "share", "share_low", "share_high", "share_unknown")


def apart(row: Mapping[str, Any], order: Sequence[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the estimate and every other kind of evidence, in the rule's order of weight.

    Parameters
    ----------
    row : mapping
        Of `app.coverage.queries.village_verdicts`; the shares are those of the evidence that decided, the level is
        the model's. Without any other evidence the row is the estimate.
    order : sequence of str
        Kinds of evidence from the strongest; what it leaves out comes last.
    """
    said = {entry["kind"]: entry for entry in row["said"]}
    model = said.pop("model", row)
    estimate = dict(row) | {name: model[name] for name in _SHARES}
    ranks = {kind: rank for rank, kind in enumerate(order)}
    return estimate, sorted(said.values(), key=lambda entry: ranks.get(entry["kind"], len(ranks)))


def weightiest(evidence: Sequence[dict[str, Any]], kinds: Sequence[str]) -> dict[str, Any] | None:
    """Return the first of `kinds` that can decide, else the first that knows anything, None without any."""
    mine = [entry for entry in evidence if entry["kind"] in kinds]
    return next((entry for entry in mine if entry["verdict"] != "unknown"), mine[0] if mine else None)
