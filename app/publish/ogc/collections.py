"""The collections of /ogc: every published layer, and the villages' coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.publish.layers import LAYERS, Layer

_VILLAGES = LAYERS["villages"]
_TECHNOLOGIES = ("2g", "3g", "4g", "5g")


def _networks(verdict: str) -> str:
    return f"""(SELECT string_agg(t.code, ';' ORDER BY t.code)
         FROM verdict n JOIN organisation t ON t.id = n.operator_id
        WHERE n.run_id = (SELECT publish.run_id()) AND n.village_id = o.id AND n.technology IS NULL
          AND n.verdict = '{verdict}')"""  # noqa: S608  the words are ours


def _technology(name: str) -> str:
    # One verdict a scope, by a unique index.
    return f"""coalesce((SELECT n.verdict FROM verdict n
        WHERE n.run_id = (SELECT publish.run_id()) AND n.village_id = o.id AND n.operator_id IS NULL
          AND n.technology = '{name.upper()}'), 'unknown')"""  # noqa: S608  the words are ours


COVERAGE: Final = Layer(
    "Phủ sóng theo thôn, bản",
    "Coverage of villages: verdict of the newest run of the default rule",
    "village",
    {
        "code": "o.code",
        "name": "o.name",
        "commune": "u.code",
        "commune_name": "u.name",
        "population": "o.population",
        "verdict": "coalesce(v.verdict, 'unknown')",
        "evidence": "v.evidence",
        "share": "v.share",
        "share_low": "v.share_low",
        "share_high": "v.share_high",
        "rsrp_dbm": "v.rsrp_dbm",
        "margin_db": "v.margin_db",
        **{f"verdict_{name}": _technology(name) for name in _TECHNOLOGIES},
        "operators_covered": _networks("covered"),
        "operators_not_covered": _networks("not_covered"),
        "fibre": "coalesce(f.verdict, 'unknown')",
        "households": "f.households",
        "households_reached": "f.households_reached",
        "rule": "r.rule",
        "run": "r.id",
        "run_as_of": "r.as_of",
        "synthetic": "o.synthetic",
    },
    joins=_VILLAGES.joins
    + """LEFT JOIN verdict v ON v.run_id = (SELECT publish.run_id()) AND v.village_id = o.id
     AND v.operator_id IS NULL AND v.technology IS NULL
LEFT JOIN fibre_reach f ON f.run_id = (SELECT publish.run_id()) AND f.village_id = o.id
LEFT JOIN coverage_run r ON r.id = (SELECT publish.run_id())
""",
    geometry=_VILLAGES.geometry,
    written=_VILLAGES.written,
)
"""One feature a village, so that a map of it can be coloured by a column; what everybody is told in /api/villages."""

COLLECTIONS: Final[Mapping[str, Layer]] = {**LAYERS, "coverage": COVERAGE}
PUBLISHED: Final = frozenset({"coverage"})
"""Collections that are told to everybody in full; of all others policy.disclosure decides."""
