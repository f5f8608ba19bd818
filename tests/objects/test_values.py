"""Values of attributes: what is none of its kind is refused in words, what is one is kept."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit import geo
from tests.objects.conftest import As, patched, read
from tests.objects.test_writing import HERE, LINE, new
from tests.registry.two_networks import Networks


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [({"height_m": 61}, "out_of_range", "height_m"), ({"height_m": "9"}, "wrong_type", "height_m"),
     ({"height_m": True}, "wrong_type", "height_m"), ({"cable_capacity": 1.5}, "wrong_type", "cable_capacity"),
     ({"cable_capacity": 2**40}, "wrong_type", "cable_capacity"), ({"code": None}, "required", "code"),
     ({"code": ""}, "required", "code"), ({"code": "a\x00b"}, "wrong_type", "code"),
     ({"street": "x" * 1001}, "wrong_type", "street"), ({"street": ["x"]}, "wrong_type", "street"),
     ({"surveyed_on": "2026-02-30"}, "wrong_type", "surveyed_on"), ({"surveyed_on": 5}, "wrong_type", "surveyed_on"),
     ({"geometry": None}, "required", "geometry"), ({"geometry": LINE}, "wrong_geometry_type", "geometry"),
     ({"geometry": {"type": "Point", "coordinates": [16.4, 107.5]}}, "out_of_range", "geometry"),
     ({"position": {"x": 1, "y": 2}}, "not_a_position", "position"),
     ({"position": {"x": 560000, "y": 1820000, "crs": "EPSG:9214"}, "geometry": HERE}, "position_twice", "position"),
     ({"position": {"x": 5, "y": 2, "crs": "EPSG:4326"}}, "out_of_range", "geometry"),
     ({"survey_method": "guessed"}, "out_of_range", "survey_method"), ({"material": {"$ne": 1}}, "wrong_type",
     "material"), ({"nonsense": 1}, "unknown_attribute", "nonsense"),
     ({"reason": "a\x07"}, "unreadable_text", "reason"),
     ({"position_accuracy_m": -1}, "out_of_range", "position_accuracy_m")],
)  # fmt: skip
def test_bad_values(acting: As, networks: Networks, body: dict[str, Any], code: str, field: str) -> None:
    path = f"/api/objects/poles/{networks.rows['pole']['viettel']}"
    version, feature = read(acting("viettel"), path)
    changed = acting("viettel").patch(path, json=body, headers={"If-Match": version})
    whole = new(networks, "poles")
    if body.keys() == {"position"}:
        del whole["geometry"]
    added = acting("viettel").post("/api/objects/poles", json=whole | body)
    for answer in (changed, added):
        told = answer.json()
        assert answer.status_code == 422, answer.text
        assert (told["code"], told["field"]) == (code, field)
        assert told["message"]["vi"]
        assert told["message"]["en"]
        assert "DETAIL" not in answer.text
        assert "psycopg" not in answer.text
    assert read(acting("viettel"), path) == (version, feature)


def test_numbers_json_does_not_have(acting: As, networks: Networks) -> None:
    path = f"/api/objects/poles/{networks.rows['pole']['viettel']}"
    version, _ = read(acting("viettel"), path)
    headers = {"If-Match": version, "Content-Type": "application/merge-patch+json"}
    for raw in ('{"height_m": NaN}', '{"height_m": 1e999}', '{"height_m": -Infinity}', '{"street": "\\ud800"}'):
        assert acting("viettel").patch(path, content=raw, headers=headers).status_code == 422, raw
    for raw in ("[1]", "null", '"x"', "{", "[" * 50_000):
        assert acting("viettel").patch(path, content=raw, headers=headers).status_code in (400, 422), raw[:10]
    assert acting("viettel").patch(path, content='{"height_m": 9}', headers=headers).status_code == 200


def test_a_surveyed_position_and_a_drawn_one(acting: As, networks: Networks) -> None:
    path = f"/api/objects/poles/{networks.rows['pole']['viettel']}"
    x, y = (float(v) for v in geo.from_wgs84(107.6, 16.45, "EPSG:9214"))
    surveyed = patched(acting("viettel"), path, position={"x": x, "y": y, "crs": "EPSG:9214"}, survey_method="gnss_rtk")
    assert surveyed["geometry"]["coordinates"] == pytest.approx([107.6, 16.45], abs=1e-8)
    assert (surveyed["properties"]["raw_x"], surveyed["properties"]["raw_crs"]) == (x, "EPSG:9214")
    drawn = patched(acting("viettel"), path, geometry=HERE)
    assert drawn["geometry"] == HERE
    assert drawn["properties"]["raw_x"] is None
    assert drawn["properties"]["raw_crs"] is None


def test_a_null_empties_and_what_is_not_named_stays(acting: As, networks: Networks, session: Session) -> None:
    path = f"/api/objects/poles/{networks.rows['pole']['viettel']}"
    patched(acting("viettel"), path, street="Lê Lợi", material="bê tông", height_m=8.5)
    feature = patched(acting("viettel"), path, street=None)
    assert (feature["properties"]["street"], feature["properties"]["material"]) == (None, "bê tông")
    before = session.scalar(text("SELECT count(*) FROM audit.change"))
    assert patched(acting("viettel"), path, street=None, height_m=8.5) == feature
    assert session.scalar(text("SELECT count(*) FROM audit.change")) == before
