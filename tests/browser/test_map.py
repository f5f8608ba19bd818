"""What a planner sees and does on the map."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from playwright.sync_api import Page, expect

from app.kit.text import fold
from app.publish import front_end
from tests.browser.conftest import drawn, settled

pytestmark = pytest.mark.browser
VIETNAMESE = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")


def answer(page: Page, path: str) -> Any:
    """Return what the API says, asked beside the page."""
    response = page.request.get(path)
    assert response.ok, response.text()
    return response.json()


def written(count: float) -> str:
    """Return a whole number as Vietnamese writes it: 1.053."""
    return f"{count:,.0f}".replace(",", ".")


def english(page: Page) -> None:
    page.get_by_role("button", name="EN", exact=True).click()


def test_villages_communes_and_terrain_are_drawn(planner: Page) -> None:
    assert drawn(planner, "villages-fill") > 20
    assert drawn(planner, "communes-line") > 20
    assert drawn(planner, "sites-point") > 20
    assert planner.evaluate("() => window.__hatang.isSourceLoaded('terrain')")
    expect(planner.get_by_role("note")).to_contain_text("SYNTHETIC")


@pytest.mark.parametrize("who", [None, "planner"])
def test_a_village_says_why_in_both_languages(open_page: Callable[[str | None], Page], who: str | None) -> None:
    page = open_page(who)
    spot = page.evaluate("""() => {
        const map = window.__hatang;
        const sites = ['sites-point', 'sites-blurred-count'];
        const clear = point => map.queryRenderedFeatures(point, { layers: sites }).length === 0;
        for (let x = 500; x < 1150; x += 23) for (let y = 150; y < 700; y += 23) {
            const [hit] = map.queryRenderedFeatures([x, y], { layers: ['villages-fill'] });
            if (hit && clear([[x - 8, y - 8], [x + 8, y + 8]])) return { x, y, id: hit.id };
        }
    }""")
    page.mouse.click(spot["x"], spot["y"])
    told = answer(page, f"/api/villages/{spot['id']}/coverage")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", level=2)).to_have_text(told["village"]["name"])
    expect(page.get_by_test_id("why").locator("li")).to_have_text(told["why"]["vi"])
    assert VIETNAMESE.search(page.get_by_test_id("why").inner_text())
    english(page)
    expect(page.get_by_test_id("why").locator("li")).to_have_text(told["why"]["en"])
    assert drawn(page, "highlight-line") > 0
    assert f"village={spot['id']}" in page.url
    page.reload()
    expect(page.get_by_test_id("why").locator("li")).to_have_text(told["why"]["en"])
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_the_legend_counts_what_the_api_counts(page: Page) -> None:
    legend = page.get_by_test_id("legend")
    for choose, query in ((None, ""), ("5G", "&technology=5G")):
        if choose:
            page.get_by_role("button", name=choose, exact=True).click()
        for verdict in ("covered", "not_covered", "unknown"):
            counted = answer(page, f"/api/villages?limit=1&verdict={verdict}{query}")["numberMatched"]
            row = legend.locator("li", has=page.locator(f".swatch.{verdict}"))
            expect(row.locator("strong")).to_have_text(written(counted))
    settled(page)
    tiles = page.evaluate("() => window.__hatang.getSource('villages').tiles[0]")
    assert "technology=5G" in tiles


def test_layers_switch_off_and_the_address_remembers(page: Page) -> None:
    page.locator("[data-layer=villages]").uncheck()
    assert drawn(page, "villages-fill") == 0
    assert drawn(page, "sites-blurred") > 0
    page.reload()
    assert drawn(page, "villages-fill") == 0
    page.locator("[data-layer=villages]").check()
    assert drawn(page, "villages-fill") > 20


def test_the_language_is_remembered(page: Page) -> None:
    expect(page.get_by_role("heading", name="Lớp bản đồ")).to_be_visible()
    english(page)
    page.reload()
    expect(page.get_by_role("heading", name="Map layers")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"


def test_search_ignores_accents(page: Page) -> None:
    village = answer(page, "/api/villages?limit=1")["features"][0]["properties"]
    page.get_by_role("combobox", name="Tìm thôn").fill(fold(village["name"]))
    found = page.get_by_role("option")
    expect(found.first).to_be_visible()
    assert village["name"] in found.all_inner_texts()[0]
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text(village["name"])


def test_a_tower_is_checked_at_a_pasted_position(planner: Page) -> None:
    planner.locator("[data-panel=colocation]").click()
    planner.locator("[name=position]").fill("16°27′46″N 107°35′24″E")
    planner.locator("[name=radius]").fill("15000")
    planner.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(planner.get_by_test_id("advice")).to_be_visible()
    listed = planner.get_by_test_id("candidates").locator("li")
    assert listed.count() > 1
    assert drawn(planner, "candidates-point") == listed.count() + 1, "every candidate and the proposal"
    planner.locator("[name=position]").fill("48.85, 2.35")
    planner.locator("[name=position]").blur()
    expect(planner.get_by_role("alert")).to_contain_text("Việt Nam")


def test_a_click_on_the_map_places_the_tower(planner: Page) -> None:
    planner.locator("[data-panel=colocation]").click()
    planner.mouse.click(600, 500)
    at = planner.evaluate("() => window.__hatang.unproject([600, 500]).toArray()")
    lat, lon = map(float, planner.locator("[name=position]").input_value().split(","))
    assert (lon, lat) == pytest.approx(at, abs=1e-4)


def test_ratios_stand_against_targets_and_show_what_they_counted(planner: Page) -> None:
    planner.locator("[data-panel=sharing]").click()
    expect(planner.locator("[data-indicator]")).to_have_count(3)
    ratios = {r["definition"]: r for r in answer(planner, "/api/sharing")["ratios"]}
    card = planner.locator("[data-indicator=a3]")
    expect(card.locator("[data-counted=denominator] strong")).to_have_text(written(ratios["S1"]["denominator"]))
    expect(card).to_contain_text("Mục tiêu 2025: 30 %")
    for code in ("S1", "S2", "S3", "S4"):
        expect(card.get_by_role("row", name=re.compile(f"^{code} "))).to_be_visible()
    card.locator("[data-counted=numerator]").click()
    expect(planner.get_by_role("status")).to_contain_text(f"{written(ratios['S1']['numerator'])} đối tượng")
    assert drawn(planner, "counted-point") > 0
    planner.get_by_role("button", name="Bỏ hiển thị").click()
    assert drawn(planner, "counted-point") == 0


def test_uncovered_villages_are_listed(page: Page) -> None:
    page.locator("[data-panel=uncovered]").click()
    wanted = answer(page, "/api/villages?verdict=not_covered&limit=100")
    listed = page.get_by_test_id("uncovered").get_by_role("button")
    expect(listed).to_have_count(wanted["numberMatched"])


def test_everything_is_reached_by_keyboard(page: Page) -> None:
    reached = set()
    for _ in range(45):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("""() => {
                const { layer, panel, account } = document.activeElement.dataset;
                return layer ?? panel ?? (account === undefined ? null : 'account');
            }""")
        )
        ring = page.evaluate("""() => {
            const at = document.activeElement.closest('label') ?? document.activeElement;
            return getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(at).outlineStyle;
        }""")
        assert ring.replace("none", "") or page.evaluate("() => document.activeElement === document.body")
    assert {"villages", "terrain", "sharing", "colocation", "uncovered", "account"} <= reached


def test_a_phone_sees_the_map_and_opens_the_controls(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    assert drawn(page, "villages-fill") > 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    layers = page.get_by_role("heading", name="Lớp bản đồ")
    expect(layers).to_be_hidden()
    page.get_by_role("button", name="Bảng điều khiển").click()
    expect(layers).to_be_visible()


def test_the_policy_lets_nothing_else_in(page: Page) -> None:
    policy = page.request.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"unsafe|https?:|\*", policy)


def test_a_missing_build_says_what_to_do(tmp_path: Path) -> None:
    app = FastAPI()
    front_end.mount(app, tmp_path / "dist")
    with TestClient(app) as client:
        response = client.get("/")
        assert response.status_code == 503
        assert "make web" in response.text
        assert client.get("/assets/nothing.js").status_code == 404


def test_picture(planner: Page, tmp_path: Path) -> None:
    """The picture of the README; `make picture` takes it of the whole demo province."""
    in_view = "bbox=107.5,16.02,107.85,16.35"
    uncovered = answer(planner, f"/api/villages?verdict=not_covered&limit=1&{in_view}")["features"]
    village = (uncovered or answer(planner, "/api/villages?limit=1")["features"])[0]
    planner.goto(f"/#map=9.36/16.36/107.73&village={village['id']}")
    planner.reload()
    expect(planner.get_by_test_id("why")).to_be_visible()
    settled(planner)
    path = Path(os.environ.get("HATANG_SCREENSHOT", tmp_path / "map.png"))
    with Image.open(io.BytesIO(planner.screenshot())) as taken:
        # Five bits a channel: hardly a visible difference, half the bytes.
        taken.convert("RGB").point(lambda value: value & 248 | value >> 5).save(path, optimize=True)
    assert 50_000 < path.stat().st_size < 600_000
