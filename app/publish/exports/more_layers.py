"""What is exported beside the published layers: the villages with the verdict of the newest coverage run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.publish.layers import LAYERS, Layer

_VILLAGES = LAYERS["villages"]
# As app.coverage.queries.latest_run: the newest finished run of the default rule over the whole network.
_RUN = """LEFT JOIN coverage_run r ON r.id = (
    SELECT c.id FROM coverage_run c
     WHERE c.status = 'done' AND c.filters = '{{}}' AND c.as_of <= {as_of}
       AND c.finished_at <= coalesce(nullif(current_setting('hatang.known_at', true), '')::timestamptz, 'infinity')
       AND c.rule IN (SELECT p.name FROM policy.parameter p
                       WHERE p.kind = 'coverage_rule' AND (p.value ->> 'default')::boolean
                         AND registry.in_force(p.valid_from, p.valid_to, {as_of}))
     ORDER BY c.as_of DESC, c.id DESC LIMIT 1)
LEFT JOIN verdict d ON d.run_id = r.id AND d.village_id = o.id AND d.operator_id IS NULL AND d.technology IS NULL
LEFT JOIN fibre_reach f ON f.run_id = r.id AND f.village_id = o.id
"""
MORE: Final[Mapping[str, Layer]] = {
    "village_coverage": replace(
        _VILLAGES,
        title_vi="Thôn, bản, tổ dân phố và kết luận vùng phủ",
        title_en="Villages and their coverage verdict",
        properties={
            **{k: v for k, v in _VILLAGES.properties.items() if k not in {"valid_from", "valid_to"}},
            "rule": "r.rule",
            "run": "r.id",
            "run_as_of": "r.as_of",
            "verdict": "coalesce(d.verdict, 'unknown')",
            "evidence": "d.evidence",
            "share": "round(d.share::numeric, 4)",
            "rsrp_dbm": "round(d.rsrp_dbm::numeric, 1)",
            "margin_db": "round(d.margin_db::numeric, 1)",
            "fibre": "coalesce(f.verdict, 'unknown')",
        },
        joins=_VILLAGES.joins + _RUN,
    )
}
EXPORTED: Final[Mapping[str, Layer]] = {**LAYERS, **MORE}
"""Every layer that can be exported."""
