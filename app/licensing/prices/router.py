"""Declared prices, sharing contracts and their comparison over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import DEPARTMENT, OPERATOR, OTHER_DEPARTMENT, PUBLIC, allow
from app.accounts.schemas import json_links
from app.kit.page import MAX_ID, Dated, today
from app.licensing.prices import queries, service, table
from app.licensing.prices.schemas import (
    Comparison,
    ContractIn,
    ContractOut,
    Contracts,
    ContractsQuestion,
    EndIn,
    PriceIn,
    PriceOut,
    Prices,
    PricesQuestion,
)
from app.policy.past import in_time

router = APIRouter(prefix="/api", tags=["licensing"])
READS = allow(OPERATOR, OTHER_DEPARTMENT, *DEPARTMENT)
WRITES = allow(OPERATOR, *DEPARTMENT)
TAKEN: dict[int | str, dict[str, Any]] = {409: {"description": "The same is in force already, or it has ended"}}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {t: {"schema": {"type": "string", "format": "binary"}} for t in ("text/csv", XLSX)}}
}
PriceId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the price")]
ContractId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the contract")]


@router.get("/prices", response_model=Prices, openapi_extra=READS)
def get_prices(session: DbSession, asked: Annotated[PricesQuestion, Query()]) -> dict[str, Any]:
    """Return declared prices in force: an owner's own, everybody's for authorities (policy prices/disclosure)."""
    in_time(session, asked)
    found, matched = queries.prices(session, asked.on, owner=asked.owner and asked.owner.upper(),
                                    component=asked.component, limit=asked.limit, offset=asked.offset)  # fmt: skip
    return {"prices": found, "matched": matched, "links": json_links(asked, "/api/prices", matched)}


@router.post("/prices", response_model=PriceOut, status_code=201, responses=TAKEN, openapi_extra=WRITES)
def post_price(session: WritingSession, given: PriceIn) -> Any:
    """Declare a price; an owner its own, the department anybody's. The same may not be priced twice on one day."""
    return _price(session, service.declare(session, given))


@router.put("/prices/{price_id}/end", response_model=PriceOut, responses=TAKEN, openapi_extra=WRITES)
def end_price(session: WritingSession, price_id: PriceId, given: EndIn) -> Any:
    """End a price on a day; it stays on record, and another may hold from that day on."""
    service.end_price(session, price_id, given)
    return _price(session, price_id)


def _price(session: DbSession, price_id: int) -> Any:
    return queries.prices(session, today(), price_id=price_id)[0][0]


@router.get("/prices/comparison", response_model=Comparison, openapi_extra=allow(PUBLIC))
def get_comparison(session: DbSession, asked: Annotated[Dated, Query()]) -> Any:
    """Prices per kind of structure: declared and paid, VND a month for one place, metre or pole.

    Who does not read every price is told quartiles over at least so many owners (policy prices/comparison), blurred
    so that no single price can be read; smaller groups say that they are withheld.
    """
    in_time(session, asked)
    return service.comparison(session, asked.on)


@router.get("/prices/comparison.{format}", response_class=Response, responses=FILES, openapi_extra=allow(PUBLIC))
def export_comparison(
    session: DbSession,
    asked: Annotated[Dated, Query()],
    format: Annotated[Literal["csv", "xlsx"], Path(description="csv or xlsx")],
) -> Response:
    """Return the same as a file: CSV in UTF-8 with BOM, or a workbook."""
    in_time(session, asked)
    rows = table.flat(service.comparison(session, asked.on))
    csv = format == "csv"
    content = table.to_csv(rows, table.COLUMNS) if csv else table.to_xlsx(rows, table.COLUMNS, "prices")
    name = f"attachment; filename=price-comparison-{asked.on}.{format}"
    return Response(content, media_type="text/csv" if csv else XLSX, headers={"Content-Disposition": name})


@router.get("/contracts", response_model=Contracts, openapi_extra=READS)
def get_contracts(session: DbSession, asked: Annotated[ContractsQuestion, Query()]) -> dict[str, Any]:
    """Sharing contracts in force with what they cover: those one is a party to, everybody's for authorities."""
    in_time(session, asked)
    found, matched = queries.contracts(session, asked.on, party=asked.party and asked.party.upper(),
                                       number=asked.number, limit=asked.limit, offset=asked.offset)  # fmt: skip
    return {"contracts": found, "matched": matched, "links": json_links(asked, "/api/contracts", matched)}


@router.post("/contracts", response_model=ContractOut, status_code=201, responses=TAKEN, openapi_extra=WRITES)
def post_contract(session: WritingSession, given: ContractIn) -> Any:
    """Record a contract: the lessor its own, the department anybody's. Every item has to be the lessor's that day."""
    return _contract(session, service.record(session, given))


@router.get("/contracts/{contract_id}", response_model=ContractOut, openapi_extra=READS)
def get_contract(session: DbSession, contract_id: ContractId) -> Any:
    """One contract, in force or not, with the occupancies that name it."""
    return _contract(session, contract_id)


@router.put("/contracts/{contract_id}/end", response_model=ContractOut, responses=TAKEN, openapi_extra=WRITES)
def end_contract(session: WritingSession, contract_id: ContractId, given: EndIn) -> Any:
    """End a contract on a day; the lessor or the department does."""
    service.end_contract(session, contract_id, given)
    return _contract(session, contract_id)


def _contract(session: DbSession, contract_id: int) -> Any:
    found, _ = queries.contracts(session, today(), contract_id=contract_id)
    if not found:
        raise service.unknown_contract(contract_id)
    return found[0]
