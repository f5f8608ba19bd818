"""Claims are public; what was measured of a network is seen by its operator and by those who read all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, look_back
from tests.registry.two_networks import scope

CLAIM = """
    INSERT INTO registry.coverage_claim (code, operator_id, technology, geom)
    SELECT :code, id, '4G', ST_Multi(ST_MakeEnvelope(107.5, 16.4, 107.6, 16.5, 4326))
    FROM registry.organisation WHERE code = :operator RETURNING id
"""
SAMPLE = """
    INSERT INTO registry.signal_measurement (operator_id, technology, kind, measured_at, point, rsrp_dbm)
    SELECT id, '4G', 'drive_test', '2026-03-05T08:15:00+07:00', ST_SetSRID(ST_MakePoint(107.5, 16.4), 4326), -95
    FROM registry.organisation WHERE code = :operator RETURNING id
"""


@pytest.fixture
def rows(session: Session) -> dict[str, int]:
    """Return row ids by table and operator, and operators by code."""
    found = {}
    for operator in ("VIETTEL", "VNPT"):
        bind = {"operator": operator, "code": f"{operator}-1"}
        found[f"claim {operator}"] = session.execute(text(CLAIM), bind).scalar_one()
        found[f"sample {operator}"] = session.execute(text(SAMPLE), bind).scalar_one()
        query = "SELECT id FROM registry.organisation WHERE code = :operator"
        found[operator] = session.execute(text(query), bind).scalar_one()
    return found


def seen(session: Session, table: str) -> set[int]:
    return set(session.scalars(text(f"SELECT id FROM {table}")))


def operator(rows: dict[str, int], code: str) -> Scope:
    return Scope("user:1", ("operator",), (rows[code],))


def test_who_reads(session: Session, rows: dict[str, int]) -> None:
    claims = {rows["claim VIETTEL"], rows["claim VNPT"]}
    samples = {rows["sample VIETTEL"], rows["sample VNPT"]}
    readers: list[tuple[Scope, set[int]]] = [
        (PUBLIC, set()), (Scope("user:1", ("commune_officer",), (), (1,)), set()),
        (operator(rows, "VIETTEL"), {rows["sample VIETTEL"]}), (operator(rows, "VNPT"), {rows["sample VNPT"]}),
        (Scope("user:1", ("other_department",)), samples), (Scope("user:1", ("planner",)), samples),
        (Scope("user:1", ("statistics",)), samples),
    ]  # fmt: skip
    for reader, expected in readers:
        with scope(session, reader):
            assert seen(session, "registry.coverage_claim") == claims, reader
            assert seen(session, "registry.signal_measurement") == expected, reader
            told = set(session.scalars(text("SELECT row_id FROM audit.change WHERE table_name ="
                                            " 'registry.signal_measurement'")))  # fmt: skip
            assert told == expected, reader
            assert set(session.scalars(text("SELECT row_id FROM audit.change WHERE table_name ="
                                            " 'registry.coverage_claim'"))) == claims, reader  # fmt: skip


def test_an_operator_writes_its_own(session: Session, rows: dict[str, int]) -> None:
    with scope(session, operator(rows, "VIETTEL")):
        session.execute(text(CLAIM), {"operator": "VIETTEL", "code": "VNPT-1"})  # codes are each operator's own
        session.execute(text(SAMPLE.replace("-95", "-96")), {"operator": "VIETTEL"})
        done: Any = session.execute(text("UPDATE registry.coverage_claim SET technology = '5G'"
                                         " WHERE id = :id"), {"id": rows["claim VIETTEL"]})  # fmt: skip
        assert done.rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [CLAIM.replace(":code", "'X'").replace(":operator", "'VNPT'"), SAMPLE.replace(":operator", "'VNPT'"),
     "UPDATE registry.coverage_claim SET operator_id = :vnpt WHERE id = :claim",
     "UPDATE registry.signal_measurement SET operator_id = :vnpt WHERE id = :sample"],
)  # fmt: skip
@pytest.mark.parametrize("who", ["VIETTEL", "nobody"])
def test_nobody_writes_anothers(session: Session, rows: dict[str, int], statement: str, who: str) -> None:
    bind = {"vnpt": rows["VNPT"], "claim": rows["claim VIETTEL"], "sample": rows["sample VIETTEL"]}
    with scope(session, operator(rows, who) if who in rows else PUBLIC):
        nested = session.begin_nested()
        if who == "nobody" and statement.startswith("UPDATE"):
            done: Any = session.execute(text(statement), bind)
            assert done.rowcount == 0
        else:
            with pytest.raises(DBAPIError) as caught:
                session.execute(text(statement), bind)
            assert getattr(caught.value.orig, "sqlstate", "") == "42501"
        nested.rollback()


def test_claims_of_then(session: Session, rows: dict[str, int]) -> None:
    moment = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert isinstance(moment, dt.datetime)
    session.execute(text("UPDATE registry.coverage_claim SET technology = '5G', valid_to = '2026-06-01'"))
    with scope(session, PUBLIC):
        look_back(session, moment)
        assert set(session.execute(text("SELECT technology, valid_to FROM coverage_claim")).all()) == {("4G", None)}
        look_back(session, None)
        assert set(session.scalars(text("SELECT technology FROM coverage_claim"))) == {"5G"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("rsrp_dbm = 20", "ck_signal_measurement_rsrp_dbm"),
        ("rsrp_dbm = NULL", "ck_signal_measurement_measured"),
        ("downlink_mbps = -1", "ck_signal_measurement_downlink_mbps"),
        ("downlink_mbps = 'NaN'", "ck_signal_measurement_downlink_mbps"),
        ("uplink_mbps = 1e9", "ck_signal_measurement_uplink_mbps"),
        ("frequency_mhz = 5", "ck_signal_measurement_frequency_mhz"),
        ("technology = '6G'", "ck_signal_measurement_technology"),
        ("kind = 'rumour'", "ck_signal_measurement_kind"),
        ("point = ST_SetSRID(ST_MakePoint(2, 48), 4326)", "ck_signal_measurement_point_in_country"),
    ],
)
def test_the_database_refuses_bad_samples(session: Session, rows: dict[str, int], change: str, rule: str) -> None:
    nested = session.begin_nested()
    with pytest.raises(DBAPIError) as caught:
        session.execute(text(f"UPDATE registry.signal_measurement SET {change}"))
    nested.rollback()
    assert getattr(caught.value.orig, "diag").constraint_name == rule  # noqa: B009


def test_the_database_refuses_self_crossing_claims_and_a_sample_twice(session: Session, rows: dict[str, int]) -> None:
    nested = session.begin_nested()
    with pytest.raises(DBAPIError, match="ck_coverage_claim_geom_in_country"):
        session.execute(text("UPDATE registry.coverage_claim SET geom = ST_GeomFromText('MULTIPOLYGON(((107.5 16.4,"
                             "107.6 16.5,107.6 16.4,107.5 16.5,107.5 16.4)))', 4326)"))  # fmt: skip
    nested.rollback()
    nested = session.begin_nested()
    with pytest.raises(DBAPIError, match="uq_signal_measurement_sample"):
        session.execute(text(SAMPLE), {"operator": "VNPT"})
    nested.rollback()
