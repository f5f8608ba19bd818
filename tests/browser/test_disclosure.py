"""What the public, an operator and the department see of the same map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import drawn, settled
from tests.browser.population import RESTRICTED
from tests.browser.test_accounts import has_source

pytestmark = pytest.mark.browser
Open = Callable[[str | None], Page]
NETWORKS = ("poles", "ducts", "manholes", "distribution_points")


def properties(page: Page, layer: str) -> list[dict[str, Any]]:
    """Return what the tiles tell of everything drawn in a layer."""
    settled(page)
    found: list[dict[str, Any]] = page.evaluate(
        "layer => window.__hatang.queryRenderedFeatures({ layers: [layer] }).map(f => f.properties)", layer
    )
    return found


def click_first(page: Page, layer: str, owner: str | None = None) -> None:
    """Move the map so that something of a layer, of an owner when given, is in the middle, and click it."""
    # On a busy machine symbols are placed some frames after their tile is there.
    page.wait_for_function(
        """([layer, owner]) => {
            const map = window.__hatang;
            const found = map.queryRenderedFeatures({ layers: [layer] });
            const hit = found.find(f => owner === null || f.properties.owner === owner);
            if (hit) map.jumpTo({ center: hit.geometry.coordinates, zoom: Math.max(map.getZoom(), 15) });
            return Boolean(hit);
        }""",
        arg=[layer, owner],
    )
    settled(page)
    page.mouse.click(600, 380)


def test_the_public_sees_cells_and_no_network(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/#map=13.5/16.4637/107.5909")
    page.reload()
    settled(page)
    assert not [url for url in asked for layer in NETWORKS if f"/tiles/{layer}/" in url]
    assert not [layer for layer in NETWORKS if has_source(page, layer)]
    page.goto("/#map=9/16.4/107.6")
    assert drawn(page, "sites-point") == 0
    cells = properties(page, "sites-blurred")
    assert cells
    assert {frozenset(cell) for cell in cells} == {frozenset({"count", "grid_m", "synthetic"})}
    missing = page.get_by_test_id("missing")
    for name in ("Cột treo cáp", "Tuyến cống bể", "Bể cáp", "Tủ, hộp cáp"):
        expect(missing).to_contain_text(name)
    expect(page.locator("[data-layer=poles]")).to_have_count(0)
    expect(page.get_by_test_id("blurred")).to_contain_text("Vị trí làm mờ theo ô 1 km")
    missing.get_by_role("button", name="Đăng nhập để xem").click()
    expect(page.locator("dialog[open]")).to_have_attribute("aria-label", "Đăng nhập")


def test_a_cell_says_why_it_is_one(page: Page) -> None:
    page.goto("/#map=12/16.4637/107.5909")
    settled(page)
    click_first(page, "sites-blurred-count")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_test_id("withheld")).to_contain_text("chỉ biết chúng nằm trong ô 1 km này")
    assert drawn(page, "highlight-line") > 0
    expect(panel.get_by_test_id("history")).to_have_count(0)


def test_the_public_is_told_a_verdict_and_not_who_serves(page: Page, planner: Page) -> None:
    served = "/api/villages?limit=1&verdict=covered"
    village = page.request.get(served).json()["features"][0]
    for seen, withheld in ((page, True), (planner, False)):
        seen.goto(f"/#village={village['id']}")
        seen.reload()
        expect(seen.get_by_test_id("verdict")).to_contain_text("Có sóng")
        told = seen.get_by_test_id("withheld").filter(has_text="Trạm phục vụ")
        expect(told).to_have_count(1 if withheld else 0)
        expect(seen.get_by_text("Cell phục vụ")).to_have_count(0 if withheld else 1)


def test_the_public_reads_ratios_and_what_is_withheld_says_why(page: Page) -> None:
    page.locator("[data-panel=sharing]").click()
    card = page.locator("[data-indicator=a3]")
    expect(card).to_contain_text("Mục tiêu 2025: 30 %")
    expect(card.locator("button[data-counted]")).to_have_count(0)
    expect(page.get_by_role("button", name="Đăng nhập để xem").last).to_be_visible()
    told = page.request.get("/api/sharing?by=commune").json()
    rows = [row for row in told["breakdown"] if row["definition"] == "S1"]
    held = [row for row in rows if row["withheld"]]
    assert held, "a province this small has communes of few sites"
    card.locator("summary").click()
    expect(card.locator(".communes li").filter(has_text="không công bố")).to_have_count(len(held))
    expect(card.locator("details")).to_contain_text(held[0]["reason"]["vi"])


def test_the_public_is_asked_to_sign_in_before_assessing_a_tower(page: Page) -> None:
    page.locator("[data-panel=colocation]").click()
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("chỉ dành cho cán bộ và nhà mạng đã đăng nhập")
    expect(page.locator("[name=position]")).to_have_count(0)
    panel.get_by_role("button", name="Đăng nhập để xem").click()
    expect(page.locator("dialog[open]")).to_have_count(1)


def test_an_operator_sees_its_own_sites_and_others_as_cells(open_page: Open) -> None:
    page = open_page("viettel")
    own, cells = properties(page, "sites-point"), properties(page, "sites-blurred")
    assert own
    for site in own:
        assert site["owner"] == "VIETTEL" or "VIETTEL" in site.get("operators", "").split(","), site
    assert sum(cell["count"] for cell in cells) > len({site["code"] for site in own})
    click_first(page, "sites-point", "VIETTEL")
    panel = page.get_by_role("dialog")
    panel.get_by_test_id("history").locator("summary").click()
    expect(panel.get_by_test_id("history")).to_contain_text("Thêm mới")


def test_an_operator_asks_privately(open_page: Open) -> None:
    page = open_page("viettel")
    page.locator("[data-panel=colocation]").click()
    expect(page.get_by_role("heading", name="Hỏi kín về dùng chung")).to_be_visible()
    page.locator("[name=position]").fill("16°27′46″N 107°35′24″E")
    expect(page.locator("[name=radius] option")).to_have_text(["300 m", "500 m", "1 km", "2 km"])  # the policy's
    expect(page.locator("[name=radius]")).to_have_value("500")
    expect(page.locator("[name=height]")).to_have_attribute("max", "350")
    page.locator("[name=radius]").select_option("2000")
    page.get_by_role("button", name="Hỏi", exact=True).click()
    expect(page.get_by_test_id("may-share")).to_be_visible()
    expect(page.get_by_test_id("reference")).not_to_be_empty()
    left = page.get_by_test_id("left")
    expect(left).to_contain_text("Còn hỏi được 4 câu trong giờ này")
    settled(page)
    page.get_by_role("button", name="Hỏi", exact=True).click()
    expect(left).to_contain_text("Còn hỏi được 3 câu trong giờ này")
    page.get_by_role("button", name="EN", exact=True).click()
    expect(left).to_contain_text("Questions left: 3 this hour")
    assert drawn(page, "candidates-line") > 0


def test_questions_beyond_the_allowance_are_refused_in_words(open_page: Open, refusals: list[tuple[int, str]]) -> None:
    page = open_page("viettel")
    csrf = page.request.get("/api/session").json()["csrf"]
    asked = {"lon": 107.59, "lat": 16.46, "radius_m": 500}
    for _ in range(6):
        answer = page.request.post("/api/sharing-question", data=asked, headers={"X-CSRF-Token": csrf})
        if answer.status == 429:
            break
    assert answer.status == 429
    refusals.append((429, "/api/sharing-question"))
    page.locator("[data-panel=colocation]").click()
    page.locator("[name=position]").fill("16.46, 107.59")
    page.get_by_role("button", name="Hỏi", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text(answer.json()["message"]["vi"])
    expect(page.locator("[name=position]")).to_have_value("16.460000, 107.590000")


def test_a_restricted_site_is_marked_for_the_department_and_is_nothing_to_others(
    planner: Page, open_page: Open
) -> None:
    marked = properties(planner, "sites-restricted")
    assert [site["code"] for site in marked] == [RESTRICTED]
    expect(planner.get_by_text("Đối tượng hạn chế, chỉ trong Sở")).to_be_visible()
    click_first(planner, "sites-restricted")
    expect(planner.get_by_role("dialog").get_by_role("note")).to_contain_text("HẠN CHẾ")
    other = open_page("other_department")
    assert drawn(other, "sites-point") > 20
    assert RESTRICTED not in {site["code"] for site in properties(other, "sites-point")}
    expect(other.get_by_text("Đối tượng hạn chế")).to_have_count(0)
