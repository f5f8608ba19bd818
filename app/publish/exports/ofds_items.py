"""What a node or span of the Open Fibre Data Standard says, as SQL over the told columns of its layer."""

from __future__ import annotations

from typing import Final

from app.publish.exports.geojson import DIGITS

NODES: Final = ("manholes", "distribution_points")
SPANS: Final = ("ducts", "cables")
_NAMED = "json_build_object('id', {0}, 'name', (SELECT o.name FROM organisation o WHERE o.code = {0} LIMIT 1))"
_OWNER = f"CASE WHEN q.owner IS NOT NULL THEN {_NAMED.format('q.owner')} END"
_PHASE = (
    "CASE WHEN q.valid_from IS NOT NULL THEN json_build_object('id', to_char(q.valid_from, 'YYYY'),"
    " 'name', 'Từ năm ' || to_char(q.valid_from, 'YYYY')) END"
)
_ACCURACY = (
    "CASE WHEN num_nonnulls(q.position_accuracy_m, q.survey_method) > 0 THEN json_build_object("
    "'horizontalUncertaintyMetres', q.position_accuracy_m, 'method', q.survey_method) END"
)
# "VIETTEL;EVN:power;?": a label of another service, or of a line nobody claimed, is no network provider.
_TENANTS = (
    "(SELECT json_agg(" + _NAMED.format("t") + " ORDER BY t)"  # noqa: S608  the words are ours
    " FROM unnest(string_to_array(q.occupants, ';')) t WHERE t <> '?' AND t NOT LIKE '%:%')"
)
_SHAPE = f"ST_AsGeoJSON({{geometry}}, {DIGITS})::json"
_NODE = (
    "json_build_object('id', '{kind}-' || q.id, 'name', q.code, 'phase', " + _PHASE + ", 'status', 'operational',"
    " 'location', " + _SHAPE.format(geometry="q.geometry") + ", 'physicalInfrastructureProvider', " + _OWNER + ","
)
_SPAN = (
    "json_build_object('id', '{kind}-' || q.id || {part}, 'name', q.code, 'phase', " + _PHASE + ","
    " 'status', 'operational', 'readyForServiceDate', q.valid_from, 'physicalInfrastructureProvider', " + _OWNER + ","
)
ITEMS: Final = {
    "manholes": _NODE.format(kind="manhole") + "'accessPoint', false, 'kind', q.kind, 'positionAccuracy', "
    + _ACCURACY + ", 'synthetic', q.synthetic)",
    "distribution_points": _NODE.format(kind="distribution_point")
    + "'type', json_build_array('aggregationPoint'), 'accessPoint', true, 'networkProviders',"
    " CASE WHEN q.owner IS NOT NULL THEN json_build_array(" + _OWNER + ") END, 'portsTotal', q.ports_total,"
    " 'portsUsed', q.ports_used, 'positionAccuracy', " + _ACCURACY + ", 'synthetic', q.synthetic)",
    "ducts": _SPAN.format(kind="duct", part="''")
    + "'start', CASE WHEN q.start_node IS NOT NULL THEN 'manhole-' || q.start_node END,"
    " 'end', CASE WHEN q.end_node IS NOT NULL THEN 'manhole-' || q.end_node END, 'route', "
    + _SHAPE.format(geometry="q.geometry") + ", 'networkProviders', " + _TENANTS + ","
    " 'deployment', json_build_array('belowGround'), 'lengthMetres', q.length_m, 'boreCount', q.bore_count,"
    " 'positionAccuracy', " + _ACCURACY + ", 'synthetic', q.synthetic)",
    "cables": _SPAN.format(kind="cable", part="CASE WHEN q.parts > 1 THEN '-' || q.part ELSE '' END")
    + "'route', " + _SHAPE.format(geometry="q.geometry") + ", 'networkProviders',"
    " CASE WHEN q.owner IS NOT NULL THEN json_build_array(" + _OWNER + ") END,"
    " 'transmissionMedium', json_build_array(q.medium), 'fibreCount', q.fibre_count, 'deployment', CASE q.laying"
    " WHEN 'aerial' THEN json_build_array('aboveGround')"
    " WHEN 'mixed' THEN json_build_array('aboveGround', 'belowGround')"
    " WHEN 'duct' THEN json_build_array('belowGround') WHEN 'buried' THEN json_build_array('belowGround')"
    " WHEN 'submarine' THEN json_build_array('belowGround') END, 'synthetic', q.synthetic)",
}  # fmt: skip
"""What a node or span says, of the told columns of its layer as `q`; nulls are left out."""
