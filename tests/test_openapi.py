"""The OpenAPI document is complete, and the application answers every role as it says (schemathesis, real database)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as HypothesisPhase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.accounts.roles import EXTENSION
from app.database import session_scope
from app.main import create_app
from tests.accounts.people import bearer, make_person, token_of
from tests.test_permissions import world

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES, REFUSED = int(os.environ.get("HATANG_OPENAPI_EXAMPLES", "6")), 1
"""Questions of each kind to an operation by a role that may call it, and by one that may not."""
SECONDS = 25 * EXAMPLES
"""For one role; over that something has become slow."""


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_is_described() -> None:
    document = create_app().openapi()
    seen = operations(document)
    assert {path for _, path, _ in seen} >= {
        "/api/meta", "/api/villages", "/api/villages/{village_id}", "/api/villages/{village_id}/coverage",
        "/api/communes", "/api/coverage/at", "/api/coverage/runs", "/api/blackspots", "/api/sharing",
        "/api/sharing/{indicator}/objects", "/api/colocation", "/api/exports/{layer}.{format}",
        "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    names = [operation["operationId"] for _, _, operation in seen]
    assert len(names) == len(set(names))
    for method, path, operation in seen:
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation.get("description"), where
        assert operation["tags"], where
        for status in ("500", "503", *(("404", "422") if operation.get("parameters") else ())):
            assert "application/problem+json" in operation["responses"][status]["content"], where
        for parameter in operation.get("parameters", []):
            assert parameter.get("description") or parameter["schema"].get("description"), f"{where} {parameter}"
        for status, response in operation["responses"].items():
            assert response["description"], where
            assert all(body["schema"] for body in response.get("content", {}).values()), f"{where} {status}"
        assert any(r.get("content") or s in {"204", "303"} for s, r in operation["responses"].items() if s < "4"), where


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield where, schema and example of each parameter without a default and each body."""
    for method, path, operation in operations(document):
        where = f"{method.upper()} {path}"
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            if "default" not in schema and not schema.get("examples"):
                yield f"{where} {parameter['name']}", schema, parameter.get("example")
        for body in operation.get("requestBody", {}).get("content", {}).values():
            yield where, body["schema"], body.get("example", body["schema"].get("examples", [None])[0])


def test_every_parameter_and_body_has_an_example_that_its_schema_takes() -> None:
    document = create_app().openapi()
    found = list(examples(document))
    assert len(found) > 200
    missing = [where for where, _, example in found if example is None]
    assert missing == [], "\n".join(missing)
    for where, schema, example in found:
        whole = schema | {"components": document["components"]}
        validator = jsonschema_rs.validator_for(whole)
        assert validator.is_valid(example), (
            f"{where}: {example!r}: {[e.message for e in validator.iter_errors(example)]}"
        )


def test_documentation_page_is_served() -> None:
    from fastapi.testclient import TestClient

    with TestClient(create_app()) as client:
        assert client.get("/api/docs").status_code == 200


def attack(operation: Any, mode: GenerationMode, headers: dict[str, str], most: int) -> None:
    """Send the document's examples, and `most` questions of the mode, to an operation."""

    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=list(CHECKS), headers=headers, timeout=60)

    quiet = list(HealthCheck)
    profile = settings(deadline=None, derandomize=True, database=None, phases=[HypothesisPhase.generate],
                       suppress_health_check=quiet, report_multiple_bugs=False)  # fmt: skip
    if mode is GenerationMode.POSITIVE:
        for example in operation.get_strategies_from_examples():
            settings(profile, max_examples=1)(given(case=example)(ask))()
    settings(profile, max_examples=most)(given(case=operation.as_strategy(generation_mode=mode))(ask))()


@pytest.mark.parametrize("role", ["public", "operator", "planner", "administrator"])
def test_answers_as_documented(own_database: str, role: str) -> None:
    """Every operation by every role; the administrator where the planner may not."""
    world()
    with session_scope() as session:
        name = "" if role == "public" else make_person(session, role, "VIETTEL" if role == "operator" else None)[0]
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", create_app())
    failed: list[str] = []
    count, begun = 0, time.monotonic()
    slow: list[tuple[float, str]] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        allowed = set(operation.definition.raw[EXTENSION])
        if role == "administrator" and allowed & {"public", "planner"}:
            continue
        count += 1
        headers = {}
        if name:
            with session_scope() as session:  # of its own: what it does may end its token
                headers = bearer(token_of(session, name))
        for mode in GenerationMode:
            asked = operation.query or operation.path_parameters or operation.body
            if mode is GenerationMode.NEGATIVE and not asked:
                continue  # nothing to get wrong
            start = time.monotonic()
            try:
                attack(operation, mode, headers, EXAMPLES if allowed & {role, "public"} else REFUSED)
            except (Exception, BaseExceptionGroup) as error:  # a group of failures is no Exception
                told = getattr(error, "exceptions", [error])
                failed.append(f"{operation.label} {mode.value}: " + "; ".join(str(e)[:1500] for e in told))
            slow.append((time.monotonic() - start, f"{operation.label} {mode.value}"))
    took = time.monotonic() - begun
    slowest = ", ".join(f"{label} {seconds:.1f} s" for seconds, label in sorted(slow)[:-6:-1])
    print(f"\n{role}: {count} operations in {took:.0f} s; {slowest}")
    assert not failed, "\n\n".join(failed)
    assert count >= 10
    assert took < SECONDS, slowest
