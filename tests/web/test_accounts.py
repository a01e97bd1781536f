from __future__ import annotations

import pytest
from site_world import Site, sign_in

from bot.web.accounts import TRIES_OF_ADDRESS, TRIES_OF_NAME, AccountError, Role, SignInRefused


def test_a_password_is_stored_as_an_argon2id_hash_only(site: Site) -> None:
    once = site.house.accounts.add("wang", Role.AGENT)
    with site.house.tickets.engine.connect() as database:
        stored = database.exec_driver_sql("select password_hash from accounts").scalar_one()
    assert stored.startswith("$argon2id$")
    assert once not in stored


def test_a_one_time_password_opens_nothing_but_the_change_of_password(site: Site) -> None:
    once = site.house.accounts.add("wang", Role.AGENT, "8001")
    browser = site.browser()
    assert sign_in(browser, "wang", once).status_code == 303
    answer = browser.get("/desk")
    assert (answer.status_code, answer.headers["location"]) == (303, "/password")


def test_a_changed_password_ends_every_session(site: Site) -> None:
    agent = site.as_role(Role.AGENT)
    site.house.accounts.change_password("agent1", "my own password of agent1", "another, longer")
    assert agent.get("/desk").headers["location"] == "/login"


@pytest.mark.parametrize("new", ["short", "x" * 201, "my own password of agent1"])
def test_a_password_that_is_short_or_long_or_the_old_one_is_refused(site: Site, new: str) -> None:
    name, old = site.account(Role.AGENT)
    with pytest.raises(AccountError):
        site.house.accounts.change_password(name, old, new)


def test_five_wrong_passwords_close_an_account_for_a_quarter_of_an_hour(site: Site) -> None:
    name, password = site.account(Role.AGENT)
    check = site.house.accounts.check
    for number in range(TRIES_OF_NAME):
        with pytest.raises(SignInRefused):
            check(name, "wrong", f"10.0.0.{number}")
    with pytest.raises(SignInRefused, match="Too many"):
        check(name, password, "10.0.0.99")
    site.clock.tick(minutes=16)
    assert check(name, password, "10.0.0.99").name == name


def test_many_wrong_passwords_from_one_address_close_the_address(site: Site) -> None:
    name, password = site.account(Role.AGENT)
    check = site.house.accounts.check
    for number in range(TRIES_OF_ADDRESS):
        with pytest.raises(SignInRefused):
            check(f"guess{number}", "wrong", "10.0.0.1")
    with pytest.raises(SignInRefused, match="Too many"):
        check(name, password, "10.0.0.1")
    assert check(name, password, "10.0.0.2").name == name


def test_a_wrong_name_and_a_wrong_password_are_told_apart_by_nobody(site: Site) -> None:
    name, _ = site.account(Role.AGENT)
    known = sign_in(site.browser(), name, "wrong")
    unknown = sign_in(site.browser(), "nobody", "wrong")
    assert known.status_code == unknown.status_code == 401
    assert "用户名或密码不对" in known.text
    assert "用户名或密码不对" in unknown.text


def test_a_closed_account_is_signed_out_at_once_and_cannot_sign_in(site: Site) -> None:
    agent = site.as_role(Role.AGENT)
    site.house.accounts.lock("agent1")
    assert agent.get("/desk").headers["location"] == "/login"
    answer = sign_in(site.browser(), "agent1", "my own password of agent1")
    assert answer.status_code == 401


def test_signing_in_gives_a_new_session_and_ends_the_one_brought_along(site: Site) -> None:
    browser = site.as_role(Role.AGENT)
    before = browser.cookies["hotline_session"]
    sign_in(browser, "agent1", "my own password of agent1")
    after = browser.cookies["hotline_session"]
    assert before != after
    assert site.house.sessions.find(before) is None


def test_a_session_id_chosen_by_somebody_else_is_never_taken_up(site: Site) -> None:
    browser = site.browser()
    browser.cookies.set("hotline_session", "chosen-by-the-attacker")
    sign_in(browser, *site.account(Role.AGENT))
    assert site.house.sessions.find("chosen-by-the-attacker") is None


def test_an_idle_session_is_over(site: Site) -> None:
    browser = site.as_role(Role.AGENT)
    site.clock.tick(minutes=61)
    assert browser.get("/desk").headers["location"] == "/login"


def test_the_cookie_is_hidden_from_scripts_and_from_other_sites(site: Site) -> None:
    answer = sign_in(site.browser(), *site.account(Role.AGENT))
    cookie = next(
        one for one in answer.headers.get_list("set-cookie") if one.startswith("hotline_session=")
    )
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


def test_signing_in_needs_the_key_of_the_form(site: Site) -> None:
    name, password = site.account(Role.AGENT)
    browser = site.browser()
    browser.get("/login")
    answer = browser.post("/login", data={"name": name, "password": password, "key": "forged"})
    assert answer.status_code == 403


def test_signing_out_ends_the_session_on_the_server(site: Site) -> None:
    browser = site.as_role(Role.AGENT)
    key = browser.cookies["hotline_session"]
    browser.post("/logout")
    assert site.house.sessions.find(key) is None


def test_every_attempt_to_sign_in_is_in_the_audit_log(site: Site) -> None:
    name, password = site.account(Role.AGENT)
    sign_in(site.browser(), name, "wrong")
    sign_in(site.browser(), name, password)
    assert [row.action for row in site.house.audit.newest(2)] == ["signed_in", "sign_in_refused"]
