"""Who sees and cancels which job, over HTTP and by the command."""

from __future__ import annotations

import json

from app.database import Scope, session_scope
from app.main import create_app
from tests.accounts.people import bearer, browser, make_person, number_of, signed_in, token_of
from tests.conftest import Hatang
from tests.jobs.conftest import ask, state


def test_an_operator_sees_its_own_and_the_department_all(own_database: str) -> None:
    create_app()
    with session_scope() as session:
        one = make_person(session, "operator", "VIETTEL")
        other = make_person(session, "operator", "VNPT")
        officer = make_person(session, "planner")
        actor = f"user:{number_of(session, one[0])}"
        foreign = token_of(session, other[0])
    mine, theirs = ask("test_count", Scope(actor, ("operator",), (1,)), steps=1), ask("test_count", steps=1)
    public, client, planner = browser(), signed_in(*one), signed_in(*officer)
    for method, path in (("GET", ""), ("GET", f"/{mine}"), ("POST", f"/{mine}/cancel")):
        answer = public.request(method, f"/api/jobs{path}")
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
    listed = client.get("/api/jobs").json()
    assert ([j["id"] for j in listed["jobs"]], listed["matched"]) == ([mine], 1)
    assert [j["id"] for j in planner.get("/api/jobs").json()["jobs"]] == [theirs, mine]
    assert planner.get("/api/jobs", params={"status": "done"}).json()["matched"] == 0
    hidden = (
        client.get(f"/api/jobs/{theirs}"), client.post(f"/api/jobs/{theirs}/cancel"), client.get("/api/jobs/999"),
        public.post(f"/api/jobs/{mine}/cancel", headers=bearer(foreign)),
    )  # fmt: skip
    for answer in hidden:
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
        assert set(answer.json()["message"]) == {"vi", "en"}
    csrf = client.headers.pop("X-CSRF-Token")
    assert client.post(f"/api/jobs/{mine}/cancel").json()["code"] == "csrf"
    done = client.post(f"/api/jobs/{mine}/cancel", headers={"X-CSRF-Token": csrf})
    assert (done.status_code, done.json()["status"]) == (200, "cancelled")
    again = planner.post(f"/api/jobs/{mine}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_ended")
    assert again.json()["message"] == {
        "vi": f"Công việc {mine} đã kết thúc (đã huỷ), không huỷ được nữa",
        "en": f"The job {mine} has ended (cancelled) and cannot be cancelled any more",
    }
    assert planner.post(f"/api/jobs/{theirs}/cancel").json()["code"] == "job_cancelled"


def test_commands(own_database: str, hatang: Hatang) -> None:
    number = ask("test_count", steps=1)
    code, out, _ = hatang("jobs", "list", "--json")
    assert (code, [j["id"] for j in json.loads(out)]) == (0, [number])
    assert "test_count" in hatang("jobs", "list")[1]
    assert json.loads(hatang("jobs", "show", str(number), "--json")[1])["status"] == "queued"
    assert hatang("jobs", "cancel", str(number))[0] == 0
    assert state(number).status == "cancelled"
    for words, reason in {
        ("jobs", "cancel", str(number)): "job_ended",
        ("jobs", "show", "999"): "unknown_job",
        ("jobs", "list", "--status", "lazy"): "job_filter",
    }.items():
        code, out, err = hatang(*words, "--json")
        assert (code, json.loads(out)["code"]) == (1, reason)
        assert err.strip()
    assert hatang("jobs", "show", "0")[0] == 2
