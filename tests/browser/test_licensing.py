"""What officers and operators do about sharing and licensing on the map: figures, programmes, sheets, applications."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from app.config import ROOT
from tests.browser.conftest import DIST, Served, drawn
from tests.browser.test_map import VIETNAMESE, answer, english, written
from tests.conftest import test_cluster

pytestmark = pytest.mark.browser
PHONE = (390, 844)
ROLES = {"HATANG_DATABASE_URL": "hatang_app", "HATANG_OWNER_DATABASE_URL": "hatang_owner"}


@pytest.fixture
def working(served: Served) -> Iterator[None]:
    """Do background jobs of the served database."""
    urls = {name: test_cluster().url(role, served.database) for name, role in ROLES.items()}
    command = [sys.executable, "-c", "from app.cli import main; main()", "worker"]
    worker = subprocess.Popen(command, env=os.environ | urls, cwd=ROOT)
    yield
    worker.terminate()
    worker.wait(60)


def opened(page: Page, panel: str) -> None:
    page.locator(f"[data-panel={panel}]").click()


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def spot(page: Page) -> tuple[float, float]:
    """Return longitude and latitude of a village where no network is known, else of the first one."""
    found = answer(page, "/api/villages?verdict=not_covered&limit=1")["features"]
    feature = (found or answer(page, "/api/villages?limit=1")["features"])[0]
    told = answer(page, f"/api/villages/{feature['properties']['id']}")["geometry"]
    ring = told["coordinates"]
    while isinstance(ring[0], list):
        ring = ring[0]
    return float(ring[0]), float(ring[1])


def proposed(page: Page, lon: float, lat: float, radius_m: int) -> None:
    opened(page, "colocation")
    page.locator("[name=position]").fill(f"{lat}, {lon}")
    page.locator("[name=radius]").fill(str(radius_m))
    page.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(page.get_by_test_id("advice")).to_be_visible()


@pytest.mark.parametrize("counted", ["numerator", "unknown"])
def test_counted_objects_are_shown_and_kept_as_a_file(planner: Page, counted: str) -> None:
    wanted = answer(planner, f"/api/sharing/a4/objects?counted={counted}&limit=1")["numberMatched"]
    assert wanted
    opened(planner, "sharing")
    planner.locator(f"[data-indicator=a4] [data-counted={counted}]").click()
    expect(planner.get_by_role("status")).to_contain_text(f"{written(wanted)} đối tượng")
    assert drawn(planner, "counted-point") > 0
    with planner.expect_download() as saved:
        planner.get_by_role("button", name="Lưu CSV").click()
    assert "SYNTHETIC" in saved.value.suggested_filename
    rows = list(csv.DictReader(io.StringIO(content(saved.value).decode("utf-8-sig"))))
    assert len(rows) == wanted
    assert all(counted in row["counted"] and row["data"] == "SYNTHETIC" for row in rows)
    planner.get_by_role("button", name="Bỏ hiển thị").click()
    assert drawn(planner, "counted-point") == 0


def test_a_change_is_told_in_parts_that_add_up(planner: Page) -> None:
    asked = "definition=S1&from=2018-01-01"
    told = answer(planner, f"/api/sharing/change?{asked}")
    parts = {part["part"]: part for part in told["parts"] if part["objects"]}
    assert "built" in parts
    opened(planner, "sharing")
    card = planner.locator("[data-indicator=a3]")
    card.get_by_text("Thay đổi giữa hai ngày").click()
    card.locator("[name=from]").fill("2018-01-01")
    card.get_by_role("button", name="Giải thích thay đổi").click()
    table = planner.get_by_test_id("change")
    expect(table.locator("tbody tr")).to_have_count(len(parts))
    expect(card.get_by_role("group", name="Các phần của thay đổi").get_by_role("button")).to_have_count(len(parts))
    numerators = [
        cell.replace(".", "").replace("−", "-") for cell in table.locator("td:nth-child(3)").all_inner_texts()
    ]
    *each, total = map(int, numerators)
    assert sum(each) == total == told["to"]["numerator"] - told["from"]["numerator"]
    table.locator("[data-part=built]").click()
    expect(planner.get_by_role("status").filter(has_text="Xây mới")).to_contain_text(written(parts["built"]["objects"]))
    assert drawn(planner, "counted-point") > 0


def test_a_refused_date_is_told_beside_it_and_kept(
    open_page: Callable[[str | None], Page], refusals: list[tuple[int, str]]
) -> None:
    refusals.append((422, "/api/sharing/change"))
    page = open_page("planner")
    opened(page, "sharing")
    card = page.locator("[data-indicator=a3]")
    card.get_by_text("Thay đổi giữa hai ngày").click()
    card.locator("[name=from]").fill("2990-01-01")
    card.get_by_role("button", name="Giải thích thay đổi").click()
    expect(card.locator("label", has=page.locator("[name=from]")).get_by_role("alert")).to_contain_text("2990-01-01")
    expect(card.locator("[name=from]")).to_have_value("2990-01-01")


@pytest.mark.usefixtures("working")
def test_a_programme_runs_to_its_acts_on_the_map(planner: Page) -> None:
    opened(planner, "programmes")
    planner.locator("[name=kind]").select_option("poles")
    planner.get_by_role("button", name="Lập lộ trình", exact=True).click()
    result = planner.get_by_test_id("programme")
    expect(result).to_be_visible(timeout=120_000)
    [made] = answer(planner, "/api/programmes?limit=1")["items"]
    assert made["kind"] == "poles"
    assert made["acts"] > 1
    expect(result).to_contain_text(f"{written(made['cost_vnd'])} ₫")
    expect(result).to_contain_text("SYNTHETIC")
    assert drawn(planner, "acts-to") > 0
    acts = planner.get_by_test_id("acts")
    acts.locator("[data-rank='2'] button").click()
    expect(acts.locator("[data-rank='2'] button")).to_have_attribute("aria-pressed", "true")
    assert VIETNAMESE.search(acts.locator("[data-rank='2'] .why").inner_text())
    assert drawn(planner, "acts-chosen") > 0
    at = planner.evaluate("""() => {
        const map = window.__hatang;
        const [found] = map.queryRenderedFeatures({ layers: ['acts-to'] }).filter(act => act.properties.rank === 2);
        const { x, y } = map.project(found.geometry.coordinates);
        return { x, y };
    }""")
    acts.locator("[data-rank='2'] button").click()
    assert drawn(planner, "acts-chosen") == 0
    planner.mouse.click(at["x"], at["y"])
    expect(acts.locator("li.on")).to_have_count(1)
    with planner.expect_download() as saved:
        result.get_by_role("button", name="XLSX").click()
    assert saved.value.suggested_filename == f"programme-{made['id']}-poles-SYNTHETIC.xlsx"
    assert zipfile.is_zipfile(io.BytesIO(content(saved.value)))
    english(planner)
    expect(planner.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text("Shortest path to the target")


def test_a_target_out_of_range_is_told_beside_it(
    open_page: Callable[[str | None], Page], refusals: list[tuple[int, str]]
) -> None:
    refusals.append((422, "/api/programmes"))
    page = open_page("planner")
    opened(page, "programmes")
    page.locator("[name=target]").fill("300")
    page.get_by_role("button", name="Lập lộ trình", exact=True).click()
    expect(page.locator("label", has=page.locator("[name=target]")).get_by_role("alert")).to_contain_text("300")
    expect(page.locator("[name=target]")).to_have_value("300")


def test_a_proposal_is_explained_appraised_and_tried(planner: Page) -> None:
    proposed(planner, *spot(planner), 15000)
    expect(planner.get_by_test_id("reach").locator("dd")).to_have_count(4)
    expect(planner.get_by_test_id("constraints")).to_be_visible()
    first = planner.get_by_test_id("candidates").locator("> li").first
    first.get_by_text("Sức chứa, vùng phủ, liên hệ").click()
    expect(first).to_contain_text("Độ cao còn trống")
    with planner.expect_download(timeout=60_000) as pdf:
        planner.get_by_role("button", name="Phiếu thẩm định PDF").click()
    assert content(pdf.value).startswith(b"%PDF-")
    with planner.expect_download(timeout=60_000) as word:
        planner.get_by_role("button", name="Phiếu thẩm định Word").click()
    assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(content(word.value))).namelist()
    assert pdf.value.suggested_filename.split(".")[0] == word.value.suggested_filename.split(".")[0], "one appraisal"
    planner.get_by_role("button", name="Nếu cấp phép thì sao?").click()
    told = planner.get_by_test_id("what-if")
    expect(told).to_contain_text("S1")
    changed = told.locator("li .turn").count()
    if changed:
        assert drawn(planner, "counted-point") == changed


def test_an_operator_drafts_completes_and_submits(
    open_page: Callable[[str | None], Page], refusals: list[tuple[int, str]], tmp_path: Path
) -> None:
    page = open_page("mobifone")  # private questions are few an hour, and other tests ask Viettel's
    lon, lat = spot(page)
    opened(page, "colocation")
    page.locator("[name=position]").fill(f"{lat}, {lon}")
    page.locator("[name=height]").fill("30")
    page.get_by_role("button", name="Hỏi", exact=True).click()
    expect(page.get_by_test_id("may-share")).to_be_visible()
    page.get_by_text("Lập hồ sơ từ đề xuất này").click()
    page.locator("[name=title]").fill("Trạm thử SYNTHETIC")
    page.get_by_role("button", name="Lưu bản nháp").click()
    state = page.get_by_test_id("state")
    expect(state).to_have_text("Bản nháp")
    [made] = answer(page, "/api/applications?limit=1")["items"]
    refusals.append((422, f"/api/applications/{made['id']}/actions/submit"))
    page.locator("[data-action=submit]").click()
    page.locator("[name=note]").fill("Nộp lần đầu")
    page.get_by_role("button", name="Nộp hồ sơ").last.click()
    expect(page.get_by_role("alert")).to_contain_text("công nghệ")
    page.get_by_role("button", name="Sửa hồ sơ", exact=True).click()
    page.locator("[name=purpose]").fill("Phủ sóng khu tái định cư")
    page.get_by_role("dialog").get_by_role("button", name="4G").click()
    page.get_by_role("button", name="Lưu thay đổi").click()
    expect(page.get_by_text("Phủ sóng khu tái định cư")).to_be_visible()
    expect(page.locator("[name=note]")).to_have_value("Nộp lần đầu")
    page.get_by_role("button", name="Nộp hồ sơ").last.click()
    expect(state).to_have_text("Đã nộp")
    expect(page.get_by_role("dialog")).to_contain_text("ngày làm việc")
    drawing = tmp_path / "mặt bằng.dxf"
    drawing.write_text("0\nSECTION\n2\nENTITIES\n0\nENDSEC\n0\nEOF\n")
    page.locator("[name=document]").set_input_files(drawing)
    expect(page.get_by_test_id("documents")).to_contain_text("mặt bằng.dxf")
    told = answer(page, f"/api/applications/{made['id']}")
    assert told["state"] == "submitted"
    assert told["purpose"] == "Phủ sóng khu tái định cư"


def test_the_first_page_stays_light() -> None:
    """What the browser reads before anybody opens a panel, without the map's own library."""
    page = DIST.read_text()
    scripts = set(re.findall(r'(?:src|href)="/assets/([^"]+\.js)"', page))
    assert any(name.startswith("maplibre") for name in scripts)
    own = [DIST.parent / "assets" / name for name in scripts if not name.startswith("maplibre")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) < 350_000
    panels = {path.name.split("-")[0] for path in (DIST.parent / "assets").glob("*Panel-*.js")}
    assert {"ProgrammePanel", "ApplicationsPanel"} <= panels, "fetched when they are opened"


@pytest.mark.parametrize(("who", "panels"), [
    (None, set()), ("viettel", {"applications"}), ("other_department", {"applications"}),
    ("planner", {"applications", "programmes"}),
])  # fmt: skip
def test_each_role_is_offered_its_panels(
    open_page: Callable[[str | None], Page], who: str | None, panels: set[str]
) -> None:
    page = open_page(who)
    shown = {p for p in ("applications", "programmes") if page.locator(f"[data-panel={p}]").count()}
    assert shown == panels


@pytest.mark.parametrize("panel", ["sharing", "colocation", "programmes", "applications"])
def test_panels_fit_a_phone(planner: Page, panel: str) -> None:
    planner.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    opened(planner, panel)
    body = planner.locator(".panel .body")
    expect(body).to_be_visible()
    assert body.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert planner.evaluate("() => document.documentElement.scrollWidth") <= PHONE[0]
