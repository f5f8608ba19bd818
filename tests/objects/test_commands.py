"""`hatang history` in a committed database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli import app
from app.database import say_why, session_scope
from app.errors import AppError
from tests.registry.two_networks import Networks, build


@pytest.fixture
def networks(own_database: str) -> Networks:
    with session_scope() as session:
        built = build(session)
    with session_scope() as session:
        say_why(session, "đo lại", "b-1")
        session.execute(text("UPDATE registry.pole SET height_m = 9, geom = ST_Translate(geom, 0.001, 0)"
                             " WHERE code = 'viettel-P'"))  # fmt: skip
    return built


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["history", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def asked(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_show(networks: Networks) -> None:
    found = asked("show", "poles", "viettel-P")
    assert found["object_id"] == networks.rows["pole"]["viettel"]
    last, first = found["history"]
    assert (last["operation"], last["reason"], last["batch"], first["operation"]) == (
        "update", "đo lại", "b-1", "insert",
    )  # fmt: skip
    assert last["actor"]["name"].startswith("system:")
    assert [c["field"] for c in last["changes"]] == ["geometry", "height_m"]
    assert asked("show", "poles", str(networks.rows["pole"]["viettel"])) == found
    table = run("show", "poles", "viettel-P")
    for word in ("height_m", "đo", "insert"):
        assert word in table


def test_at_and_restore(networks: Networks) -> None:
    last, first = asked("show", "poles", "viettel-P")["history"]
    then = asked("at", "poles", "viettel-P", "--known-at", first["at"].replace("Z", "+00:00"))
    assert then["properties"]["height_m"] is None
    now = asked("at", "poles", "viettel-P", "--known-at", last["at"])
    assert now["properties"]["height_m"] == 9
    restored = asked("restore", "poles", "viettel-P", "--change", str(first["id"]), "--reason", "nhầm")
    assert restored["restored"] == ["geometry", "height_m"]
    assert restored["etag"] == then["etag"]
    newest = asked("show", "poles", "viettel-P")["history"][0]
    assert (newest["reason"], len(newest["changes"])) == ("nhầm", 2)
    again = asked("restore", "poles", "viettel-P", "--known-at", last["at"], "--reason", "lại")
    assert again["etag"] == now["etag"]
    assert "restored" in run("restore", "poles", "viettel-P", "--change", str(first["id"]), "--reason", "x")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("show", "nowhere", "x"), "unknown_layer"), (("show", "poles", "nobody"), "unknown_object"),
     (("show", "poles", "99999999999999999999999"), "unknown_object"), (("show", "poles", "0"), "unknown_object"),
     (("at", "poles", "viettel-P", "--known-at", "yesterday"), "not_an_instant"),
     (("at", "poles", "viettel-P", "--known-at", "2001-01-01T00:00Z"), "unknown_object"),
     (("restore", "poles", "viettel-P", "--reason", "x"), "change_or_moment"),
     (("restore", "poles", "viettel-P", "--change", "1", "--reason", " "), "change_or_moment"),
     (("restore", "poles", "viettel-P", "--change", "999999", "--reason", "x"), "unknown_change"),
     (("restore", "communes", "1", "--change", "1", "--reason", "x"), "layer_not_writable")],
)  # fmt: skip
def test_refusals(networks: Networks, arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(AppError) as caught:
        run(*arguments)
    assert caught.value.code == code


def test_a_code_of_several_owners(networks: Networks) -> None:
    with session_scope() as session:
        session.execute(text("UPDATE registry.pole SET code = 'P' WHERE code IN ('viettel-P', 'vnpt-P')"))
    with pytest.raises(AppError) as caught:
        run("show", "poles", "P")
    assert caught.value.code == "several_objects"
    assert str(networks.rows["pole"]["vnpt"]) in caught.value.en
