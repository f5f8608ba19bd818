"""The database refuses bad rows by itself, whatever the code does."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, from_constraint

POINT = "ST_SetSRID(ST_Point(107.5, 16.4), 4326)"
SQUARE = "ST_Multi(ST_MakeEnvelope(107.5, 16.4, 107.6, 16.5, 4326))"
UNIT = "INSERT INTO registry.unit (level, code, name, valid_from, geom) VALUES ('commune', '1', 'x', '2025-07-01', {})"
BULK = ("site", "structure", "base_station", "cell", "structure_occupancy", "pole", "manhole", "duct",
        "distribution_point", "pole_occupancy", "duct_occupancy")  # fmt: skip

ENTER = "SELECT registry.enter('test', '{system}', '{}', '{}')"


def pole(session: Session, code: str, start: str | None = None, end: str | None = None, **columns: Any) -> None:
    names = "".join(f", {c}" for c in columns)
    values = "".join(f", :{c}" for c in columns)
    session.execute(
        text(
            f"INSERT INTO registry.pole (code, valid_from, valid_to, geom{names}) VALUES (:k, :f, :t, {POINT}{values})"
        ),
        {"k": code, "f": start, "t": end, **columns},
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((None, None), (None, None)),
        ((None, None), ("2020-01-01", "2021-01-01")),
        (("2020-01-01", "2021-01-01"), ("2020-12-31", None)),
        (("2020-01-01", "2022-01-01"), ("2021-01-01", "2023-01-01")),
    ],
)
def test_one_code_is_in_force_once_a_day(session: Session, first: Any, second: Any) -> None:
    pole(session, "P1", *first)
    with pytest.raises(IntegrityError) as caught:
        pole(session, "P1", *second)
    name = caught.value.orig.diag.constraint_name  # type: ignore[union-attr]
    assert from_constraint(name).code in {"overlapping_validity", "duplicate"}


def test_a_code_may_be_used_again_after_its_end(session: Session) -> None:
    pole(session, "P1", "2019-01-01", "2020-01-01")
    pole(session, "P1", "2020-01-01", "2021-01-01")
    pole(session, "P1", "2021-01-01")
    assert session.execute(text("SELECT count(*) FROM registry.pole WHERE code = 'P1'")).scalar() == 3


def test_reopening_an_ended_row_is_refused_by_update_too(session: Session) -> None:
    pole(session, "P1", "2019-01-01", "2020-01-01")
    pole(session, "P1", "2020-01-01")
    with pytest.raises(IntegrityError):
        session.execute(text("UPDATE registry.pole SET valid_to = '2020-06-01' WHERE valid_to IS NOT NULL"))


def test_two_transactions_cannot_slip_past_each_other(own_database: str) -> None:
    insert = f"INSERT INTO registry.pole (code, valid_from, valid_to, geom) VALUES ('P1', %s, %s, {POINT})"
    refused: list[str] = []

    def late() -> None:
        with psycopg.connect(own_database) as other:
            other.execute(ENTER)
            try:
                other.execute(insert, ["2020-06-01", None])
            except psycopg.errors.ExclusionViolation as error:
                refused.append(error.diag.constraint_name or "")

    with psycopg.connect(own_database) as connection:
        connection.execute(ENTER)
        connection.execute(insert, ["2020-01-01", "2021-01-01"])
        thread = threading.Thread(target=late)
        thread.start()
        time.sleep(0.3)  # the other one now waits for our lock
        assert thread.is_alive()
        connection.commit()
        thread.join(10)
    assert refused == ["ex_pole_validity"]


def test_every_bulk_table_is_watched(session: Session) -> None:
    rows = session.execute(
        text("SELECT tgrelid::regclass::text, count(*) FROM pg_trigger WHERE tgname LIKE 'refuse_overlap%' GROUP BY 1")
    )
    assert {name: n for name, n in rows} == {t: 2 for t in BULK}


@pytest.mark.parametrize(
    ("column", "value"),
    [("height_m", -1), ("height_m", 61), ("height_m", "NaN"), ("cable_capacity", -1), ("position_accuracy_m", -0.1),
     ("survey_method", "guessed"), ("raw_x", 561476.79), ("owner_id", 999_999_999)],
)  # fmt: skip
def test_bad_values_are_refused(session: Session, column: str, value: Any) -> None:
    with pytest.raises(IntegrityError) as caught:
        pole(session, "P1", **{column: value})
    assert isinstance(from_constraint(caught.value.orig.diag.constraint_name), Invalid)  # type: ignore[union-attr]


@pytest.mark.parametrize("place", ["ST_Point(16.4, 107.5, 4326)", "ST_Point(561476, 1821306, 4326)",
                                   "ST_GeomFromText('POINT EMPTY', 4326)", "ST_Point('NaN', 16, 4326)"])  # fmt: skip
def test_positions_outside_the_country_are_refused(session: Session, place: str) -> None:
    with pytest.raises(IntegrityError):
        session.execute(text(f"INSERT INTO registry.pole (code, geom) VALUES ('P1', {place})"))


def test_unit_codes_are_keys_only_with_their_dates(session: Session) -> None:
    insert = text(
        "INSERT INTO registry.unit (level, code, name, valid_from, valid_to, geom) "
        f"VALUES ('commune', '474', :name, :start, :end, {SQUARE})"
    )
    session.execute(insert, {"name": "Thành phố Huế", "start": "2020-01-01", "end": "2025-01-01"})
    session.execute(insert, {"name": "Quận Thuận Hóa", "start": "2025-01-01", "end": None})
    with pytest.raises(IntegrityError):
        session.execute(insert, {"name": "Khác", "start": "2024-12-31", "end": None})


def test_unit_parts_follow_the_polygon(session: Session) -> None:
    session.execute(text(UNIT.format(SQUARE)))
    area = text("SELECT sum(ST_Area(p.geom)) FROM registry.unit_part p JOIN registry.unit u ON u.id = p.unit_id")
    assert session.execute(area).scalar() == pytest.approx(0.01)
    session.execute(
        text("UPDATE registry.unit SET geom = ST_Multi(ST_MakeEnvelope(107, 16, 108, 17, 4326)) WHERE code = '1'")
    )
    assert session.execute(area).scalar() == pytest.approx(1.0)


def test_self_crossing_polygon_is_refused(session: Session) -> None:
    bow = "ST_GeomFromText('MULTIPOLYGON(((107 16, 108 17, 108 16, 107 17, 107 16)))', 4326)"
    with pytest.raises(IntegrityError):
        session.execute(text(UNIT.format(bow)))


def test_duct_length_is_geodesic(session: Session) -> None:
    line = "ST_GeomFromText('LINESTRING(107 16, 107.001 16)', 4326)"
    session.execute(text(f"INSERT INTO registry.duct (code, geom) VALUES ('D1', {line})"))
    assert session.execute(text("SELECT length_m FROM registry.duct")).scalar() == pytest.approx(107.03, abs=0.01)


def test_the_application_cannot_delete_facts(session: Session) -> None:
    pole(session, "P1")
    with pytest.raises(DBAPIError, match="permission denied"):
        session.execute(text("DELETE FROM registry.pole"))


def test_translation_names_the_rule() -> None:
    error = from_constraint("ex_pole_validity", "code=P1 is already in force during this period.")
    assert isinstance(error, Conflict)
    assert error.problem()["rule"] == "ex_pole_validity"
    assert from_constraint("something_else").code == "database_refused"
