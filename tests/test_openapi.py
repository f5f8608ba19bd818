"""The OpenAPI document is complete, and the application answers as it says (schemathesis on the real database)."""

from __future__ import annotations

from typing import Any

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

from app.database import session_scope
from app.main import create_app
from tests.publish.province import build

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES = 8


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
        assert any(r.get("content") or s in {"204", "303"} for s, r in operation["responses"].items() if s < "4"), where


def test_documentation_page_is_served() -> None:
    from fastapi.testclient import TestClient

    with TestClient(create_app()) as client:
        assert client.get("/api/docs").status_code == 200


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_answers_as_documented(own_database: str, mode: GenerationMode) -> None:
    with session_scope() as session:
        build(session)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", create_app())
    failed: list[str] = []
    count = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        count += 1
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.path_parameters or operation.body):
            continue  # nothing to get wrong

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[HypothesisPhase.explicit, HypothesisPhase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def attack(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(checks=list(CHECKS))

        try:
            attack()
        except Exception as error:
            told = getattr(error, "exceptions", [error])
            failed.append(f"{operation.label}: " + "; ".join(str(e)[:1500] for e in told))
    assert not failed, "\n\n".join(failed)
    assert count >= 15
