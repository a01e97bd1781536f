"""Who may go where: the table against the app, in both directions, for every role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from site_world import Site
from starlette.routing import Mount

from bot.web.access import ACCESS, Open
from bot.web.accounts import Role


def routes_of(site: Site) -> Iterator[tuple[str, str]]:
    for route in site.app.routes:
        if isinstance(route, Mount):
            yield "GET", route.path
        else:
            # Routes of an included router hang below it; each with its whole path.
            below = getattr(route, "effective_route_contexts", lambda route=route: [route])
            for one in below():
                for method in sorted(set(one.methods or ()) - {"HEAD"}):
                    yield method, one.path


def all_routes(site: Site) -> set[tuple[str, str]]:
    found = set(routes_of(site))
    assert len(found) > 20
    return found


def address(path: str) -> str:
    known = {
        "{entry_id}": "some-entry",
        "{name}": "somebody",
        "{mark}": "1",
        "{number}": "261125000014",
        "{move}": "hold",
        "{action}": "accept",
        "{id}": "1",
        "{step}": "close",
    }
    for name, value in known.items():
        path = path.replace(name, value)
    return path


def test_every_route_has_a_row_and_every_row_a_route(site: Site) -> None:
    assert all_routes(site) == set(ACCESS)


GUARDED = [(route, row) for route, row in ACCESS.items() if isinstance(row, frozenset)]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_no_route_that_is_not_its_own(site: Site, role: Role) -> None:
    browser = site.as_role(role)
    for (method, path), row in GUARDED:
        if role not in row:
            answer = browser.request(method, address(path))
            assert answer.status_code == 403, (role, method, path)
            assert "没有权限" in answer.text


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_let_through_to_its_own_routes(site: Site, role: Role) -> None:
    browser = site.as_role(role)
    for (method, path), row in GUARDED:
        # A stream never ends, and signing out would end the test.
        if role in row and not path.endswith("/events") and path != "/logout":
            answer = browser.request(method, address(path))
            assert "没有权限" not in answer.text, (role, method, path)
            assert answer.status_code != 401


def test_without_a_session_every_page_leads_to_signing_in(site: Site) -> None:
    browser = site.browser()
    for (method, path), _ in GUARDED:
        answer = browser.request(method, address(path))
        if method == "GET":
            assert answer.headers["location"] == "/login", path
        else:
            assert answer.status_code == 401, path


def test_without_its_token_a_change_is_refused(site: Site) -> None:
    for role in Role:
        browser = site.as_role(role)
        del browser.headers["X-CSRF-Token"]
        for (method, path), row in GUARDED:
            if method == "POST" and role in row:
                assert browser.post(address(path)).status_code == 403, path


def test_a_change_asked_for_by_another_site_is_refused(site: Site) -> None:
    browser = site.as_role(Role.AGENT)
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.post("/desk/duty", data={"state": "on_duty"}, headers=header)
        assert answer.status_code == 403


def test_programs_routes_need_the_token_even_of_those_who_are_signed_in(site: Site) -> None:
    browser = site.as_role(Role.ADMIN)
    for (method, path), row in ACCESS.items():
        if row is Open.TOKEN:
            answer = browser.request(method, address(path), json={})
            assert answer.status_code == 401, path


def test_every_answer_forbids_inline_scripts_frames_and_caching(site: Site) -> None:
    for path in ("/login", "/healthz", "/nothing"):
        headers = site.browser().get(path).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
