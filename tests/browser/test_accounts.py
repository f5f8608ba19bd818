"""Signing in and out, passwords and tokens, as a person does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Served, drawn, settled
from tests.browser.population import Person
from tests.conftest import test_cluster as cluster_of_run

pytestmark = pytest.mark.browser
Refusals = list[tuple[int, str]]
Open = Callable[[str | None], Page]
WRONG = (401, "/api/session")


def dialog(page: Page) -> Locator:
    """Return the modal dialog that is open."""
    return page.locator("dialog[open]")


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill in the dialog, which is opened unless it is."""
    if dialog(page).count() == 0:
        page.locator("[data-account]").click()
    page.locator("[name=name]").fill(name)
    page.locator("dialog [name=password]").fill(password)
    page.keyboard.press("Enter")


def arrive(page: Page, who: Person) -> None:
    """Sign in and wait for the map that person is shown."""
    sign_in(page, who.name, who.password)
    expect(dialog(page)).to_have_count(0)
    expect(page.locator("[data-account]")).to_contain_text(who.name)
    settled(page)


def leave(page: Page) -> None:
    """Sign out by the account menu."""
    page.locator("[data-account]").click()
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("[data-account]")).to_contain_text("Đăng nhập")
    settled(page)


def expire(served: Served, who: str) -> None:
    """Let the time of every session of a person run out."""
    with cluster_of_run().superuser(served.database) as connection:
        ended = connection.execute(
            """UPDATE accounts.session
               SET created_at = created_at - interval '30 days', expires_at = now() - interval '1 s'
               WHERE account_id = (SELECT id FROM accounts.account WHERE name = %s)""",
            [served.people[who].name],
        )
        assert ended.rowcount > 0


def has_source(page: Page, layer: str) -> bool:
    """Say whether the map asks for tiles of a layer at all."""
    return bool(page.evaluate("layer => window.__hatang.getSource(layer) !== undefined", layer))


def test_a_wrong_password_is_told_and_nothing_typed_is_lost(page: Page, refusals: Refusals) -> None:
    refusals.append(WRONG)
    sign_in(page, "nobody.here", "not the password")
    alert = dialog(page).get_by_role("alert")
    expect(alert).to_have_text("Tên đăng nhập hoặc mật khẩu không đúng")
    expect(page.locator("[name=name]")).to_have_value("nobody.here")
    expect(page.locator("dialog [name=password]")).to_have_value("not the password")
    expect(page.locator("dialog [name=password]")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="EN", exact=True).click()
    sign_in(page, "nobody.here", "nor this one")
    expect(dialog(page).get_by_role("alert")).to_have_text("The name or the password is not right")


def test_too_many_attempts_say_how_long_to_wait(page: Page, refusals: Refusals) -> None:
    for _ in range(5):
        assert page.request.post("/api/session", data={"name": "guessed", "password": "x"}).status == 401
    refusals.append((429, "/api/session"))
    sign_in(page, "guessed", "x")
    expect(dialog(page).get_by_role("status")).to_have_text(re.compile(r"Thử lại sau 1[345] phút"))
    expect(dialog(page).get_by_role("button", name="Đăng nhập", exact=True)).to_be_disabled()


def test_the_dialog_keeps_the_keyboard_and_gives_it_back(page: Page) -> None:
    page.locator("[data-panel=uncovered]").click()
    button = page.locator("[data-account]")
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_attribute("aria-label", "Đăng nhập")
    expect(page.locator("[name=name]")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "() => document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    assert page.locator("[name=name]").get_attribute("autocomplete") == "username"
    assert page.locator("dialog [name=password]").get_attribute("autocomplete") == "current-password"
    page.evaluate("() => document.activeElement.blur()")  # as after a Tab into the browser's own bars
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(button).to_be_focused()
    expect(page.get_by_role("heading", name="Thôn lõm sóng")).to_be_visible()


def test_a_planner_signs_in_sees_poles_and_signs_out(page: Page, served: Served) -> None:
    page.goto("/#map=11/16.4637/107.5909")
    settled(page)
    assert not has_source(page, "poles")
    arrive(page, served.people["planner"])
    assert "map=11/16.46" in page.url, "the map stays where it was"
    assert page.evaluate("() => window.__hatang.getZoom()") == pytest.approx(11)
    assert drawn(page, "poles-cells") > 0
    page.locator("[data-account]").click()
    menu = page.locator("#account")
    expect(menu).to_contain_text(served.people["planner"].name)
    expect(menu.get_by_role("listitem")).to_have_text(["Cán bộ quy hoạch"])
    page.keyboard.press("Escape")
    page.locator("[data-panel=sharing]").click()
    page.locator("[data-indicator=a3] [data-counted=numerator]").click()
    expect(page.get_by_role("status")).to_contain_text("đối tượng")
    leave(page)
    assert not has_source(page, "poles")
    assert drawn(page, "sites-point", "counted-point") == 0
    assert page.request.get("/api/session").json()["roles"] == ["public"]
    expect(page.locator("[data-indicator=a3] button[data-counted]")).to_have_count(0)


def test_a_given_password_has_to_be_changed_first(page: Page, served: Served, refusals: Refusals) -> None:
    who = served.people["newcomer"]
    sign_in(page, who.name, who.password)
    expect(dialog(page)).to_have_attribute("aria-label", "Đổi mật khẩu")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_attribute("aria-label", "Đổi mật khẩu")
    page.reload()
    expect(dialog(page)).to_have_attribute("aria-label", "Đổi mật khẩu")
    assert page.evaluate("() => window.__hatang === undefined"), "nothing is asked for until then"
    refusals.append((422, "/api/session/password"))
    page.locator("[name=old]").fill(who.password)
    page.locator("[name=new]").fill("ngắn")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("Mật khẩu cần ít nhất 12 ký tự")
    expect(page.locator("[name=new]")).to_have_value("ngắn")
    page.locator("[name=new]").fill("sông Hương chảy qua")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)
    settled(page)
    assert has_source(page, "poles")
    expect(page.locator("[data-account]")).to_contain_text(who.name)


def test_a_password_is_changed_from_the_menu(open_page: Open, served: Served, refusals: Refusals) -> None:
    page, who = open_page("changer"), served.people["changer"]
    refusals.append((401, "/api/session/password"))
    page.locator("[data-account]").click()
    page.get_by_role("button", name="Đổi mật khẩu").click()
    page.locator("[name=old]").fill("not the password")
    page.locator("[name=new]").fill("cầu Trường Tiền sáu vài")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("Mật khẩu hiện tại không đúng")
    page.locator("[name=old]").fill(who.password)
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("status")).to_contain_text("Đã đổi mật khẩu")
    dialog(page).get_by_role("button", name="Đóng").last.click()
    leave(page)
    arrive(page, Person(who.name, "cầu Trường Tiền sáu vài"))


def test_a_token_is_made_shown_once_used_and_revoked(planner: Page) -> None:
    planner.locator("[data-account]").click()
    planner.get_by_role("button", name="Mã truy cập API").click()
    expect(dialog(planner).get_by_test_id("tokens")).to_have_text("Chưa có mã nào.")
    expect(dialog(planner).get_by_role("checkbox", name="quản trị")).to_have_count(0)
    planner.locator("[name=token]").fill("QGIS phòng họp")
    planner.locator("[name=days]").select_option("7")
    planner.keyboard.press("Tab")
    dialog(planner).get_by_role("button", name="Tạo mã").click()
    secret = planner.get_by_role("textbox", name="Mã truy cập mới").input_value()
    assert secret.startswith("ht_")
    dialog(planner).get_by_role("button", name="Chép").click()
    expect(dialog(planner).get_by_role("button", name="Đã chép")).to_be_visible()
    header = {"Authorization": f"Bearer {secret}", "Cookie": ""}
    assert planner.request.get("/api/session", headers=header).json()["credential"] == "token"
    dialog(planner).get_by_role("button", name="Tôi đã cất mã này").click()
    assert secret not in planner.content()
    row = dialog(planner).get_by_test_id("tokens").get_by_role("listitem")
    expect(row).to_contain_text("QGIS phòng họp")
    row.get_by_role("button", name="Thu hồi mã QGIS phòng họp").click()
    sure = planner.get_by_role("alertdialog")
    expect(sure).to_contain_text("mất quyền truy cập ngay")
    sure.get_by_role("button", name="Thu hồi").click()
    expect(row).to_contain_text("Đã thu hồi")
    assert planner.request.get("/api/session", headers=header).status == 401


def test_a_session_that_ends_mid_form_keeps_the_form(planner: Page, served: Served, refusals: Refusals) -> None:
    planner.locator("[data-panel=colocation]").click()
    planner.locator("[name=position]").fill("16.4639, 107.5900")
    planner.locator("[name=radius]").fill("15000")
    planner.locator("[name=height]").fill("37")
    planner.locator("[name=position]").blur()
    settled(planner)
    expire(served, "planner")
    refusals.append((401, "/api/colocation"))
    planner.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(dialog(planner).get_by_role("alert").first).to_contain_text("Phiên đăng nhập đã hết")
    expect(planner.locator("[name=name]")).to_have_value(served.people["planner"].name)
    expect(planner.locator("dialog [name=password]")).to_be_focused()
    arrive(planner, served.people["planner"])
    expect(planner.get_by_test_id("advice")).to_be_visible()  # the question was asked again, by itself
    expect(planner.locator("[name=height]")).to_have_value("37")
    expect(planner.locator("[name=radius]")).to_have_value("15000")


def test_after_the_end_of_a_session_another_person_finds_nothing_of_it(
    planner: Page, served: Served, refusals: Refusals
) -> None:
    planner.locator("[data-panel=colocation]").click()
    planner.locator("[name=position]").fill("16.4639, 107.5900")
    planner.locator("[name=position]").blur()
    settled(planner)
    expire(served, "planner")
    refusals.append((401, "/api/colocation"))
    planner.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(dialog(planner)).to_have_count(1)
    arrive(planner, served.people["viettel"])
    expect(planner.get_by_role("heading", name="Hỏi kín về dùng chung")).to_be_visible()
    expect(planner.get_by_test_id("advice")).to_have_count(0)


def test_closing_the_dialog_of_an_ended_session_goes_on_as_the_public(
    planner: Page, served: Served, refusals: Refusals
) -> None:
    expire(served, "planner")
    refusals += [(401, "/api/sharing"), (401, "/api/session")]
    planner.locator("[data-panel=sharing]").click()
    expect(dialog(planner)).to_have_count(1)
    planner.keyboard.press("Escape")
    expect(planner.locator("[data-account]")).to_contain_text("Đăng nhập")
    settled(planner)
    assert not has_source(planner, "poles")
    expect(planner.locator("[data-indicator]")).to_have_count(3)


def test_the_map_opens_with_a_cookie_of_long_ago(planner: Page, served: Served) -> None:
    expire(served, "planner")
    planner.reload()
    settled(planner)
    expect(planner.locator("[data-account]")).to_contain_text("Đăng nhập")
    assert planner.context.cookies() == []


def test_other_sessions_are_listed_and_ended(planner: Page, served: Served) -> None:
    elsewhere = [planner.context.browser.new_context(base_url=served.origin) for _ in range(3)]  # type: ignore[union-attr]
    for context in elsewhere:
        assert context.request.post("/api/session", data=served.people["planner"].credentials()).ok
    planner.locator("[data-account]").click()
    planner.get_by_role("button", name="Phiên đăng nhập").click()
    rows = dialog(planner).get_by_test_id("sessions").get_by_role("listitem")
    expect(rows.first).to_contain_text("Phiên này")
    expect(rows.first).to_contain_text("Chrome · Linux")
    expect(rows.first).to_contain_text("127.0.0.1")
    before = rows.count()
    assert before >= 4
    rows.nth(1).get_by_role("button", name="Kết thúc phiên").click()
    expect(rows).to_have_count(before - 1)
    dialog(planner).get_by_role("button", name="Kết thúc mọi phiên khác").click()
    expect(rows).to_have_count(1)
    expect(dialog(planner).get_by_role("status")).to_contain_text(f"{before - 2} phiên")
    assert {context.request.get("/api/meta").status for context in elsewhere} == {401}
    planner.keyboard.press("Escape")
    planner.locator("[data-panel=sharing]").click()
    expect(planner.locator("[data-indicator=a3] button[data-counted]").first).to_be_visible()
    for context in elsewhere:
        context.close()


def test_another_window_follows_who_signs_out(planner: Page, served: Served) -> None:
    other = planner.context.new_page()
    other.goto("/")
    expect(other.locator("[data-account]")).to_contain_text(served.people["planner"].name)
    leave(planner)
    expect(other.locator("[data-account]")).to_contain_text("Đăng nhập")


def test_the_single_sign_on_comes_back_to_the_same_view(page: Page) -> None:
    page.goto("/#map=12/16.4/107.6&panel=uncovered")
    settled(page)
    page.locator("[data-account]").click()
    link = dialog(page).get_by_role("link", name="Đăng nhập một lần của tỉnh")
    address = urlsplit(link.get_attribute("href") or "")
    assert address.path == "/api/session/oidc/start"
    back = parse_qs(address.query)["return_to"][0]
    assert back.startswith("/#map=12/16.4/107.6")
    assert "panel=uncovered" in back


def test_roles_are_words_in_both_languages(open_page: Open) -> None:
    page = open_page("viettel")
    page.locator("[data-account]").click()
    expect(page.locator("#account").get_by_role("listitem")).to_have_text("Nhà mạng, chủ hạ tầng")
    expect(page.locator("#account")).to_contain_text("Đơn vị: Viettel")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="EN", exact=True).click()
    page.locator("[data-account]").click()
    expect(page.locator("#account").get_by_role("listitem")).to_have_text("Operator")
