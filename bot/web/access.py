"""The table of routes and roles: who may go where. What is not in it may be used by nobody.

Leaves to others: finding out who somebody is (``sessions.py``) and turning them away
(``pages.py``). A test holds this table against the app's routes in both directions.
"""

from __future__ import annotations

from enum import Enum

from bot.web.accounts import Role


class Open(Enum):
    """Routes that ask for no role."""

    PUBLIC = "public"
    """Anybody who reaches the port."""
    SIGNED = "signed"
    """The city's text gateway, which signs what it brings (``text_gate.py``)."""
    TOKEN = "token"
    """Programs that bring the node's own token (``app.py``)."""


AGENT, SUPERVISOR, EDITOR, ANALYST, ADMIN, UNIT = Role
ANYBODY = frozenset(Role)
DESK = frozenset({AGENT, SUPERVISOR})
FLOOR = frozenset({SUPERVISOR, ADMIN})
LEARNING = frozenset({SUPERVISOR, EDITOR, ANALYST})
ADMINS = frozenset({ADMIN})
#: Who reads tickets, and who works on them. A unit sees none but its own (``casework/inbox.py``).
CASEWORK = frozenset({UNIT, AGENT, SUPERVISOR, ANALYST})
HANDLERS = frozenset({UNIT, AGENT, SUPERVISOR})

ACCESS: dict[tuple[str, str], frozenset[Role] | Open] = {
    ("GET", "/healthz"): Open.PUBLIC,
    ("GET", "/metrics"): Open.PUBLIC,
    ("GET", "/api/queue"): Open.TOKEN,
    ("POST", "/api/queue/claim"): Open.TOKEN,
    ("POST", "/api/queue/{entry_id}/done"): Open.TOKEN,
    ("POST", "/api/queue/{entry_id}/transfer"): Open.TOKEN,
    ("POST", "/api/queue/{entry_id}/consult"): Open.TOKEN,
    ("POST", "/api/queue/{entry_id}/mute"): Open.TOKEN,
    ("POST", "/api/queue/{entry_id}/{move}"): Open.TOKEN,
    ("POST", "/reload"): Open.TOKEN,
    ("GET", "/static"): Open.PUBLIC,
    ("GET", "/static/sip"): Open.PUBLIC,
    ("POST", "/api/sms"): Open.SIGNED,
    ("GET", "/s/{token}"): Open.PUBLIC,
    ("POST", "/s/{token}"): Open.PUBLIC,
    ("GET", "/login"): Open.PUBLIC,
    ("POST", "/login"): Open.PUBLIC,
    ("GET", "/"): ANYBODY,
    ("POST", "/logout"): ANYBODY,
    ("GET", "/password"): ANYBODY,
    ("POST", "/password"): ANYBODY,
    ("GET", "/desk"): DESK,
    ("GET", "/desk/events"): DESK,
    ("GET", "/desk/phone"): DESK,
    ("POST", "/desk/duty"): DESK,
    ("POST", "/desk/claim"): DESK,
    ("GET", "/desk/call/{entry_id}"): DESK,
    ("GET", "/desk/call/{entry_id}/sound/{mark}"): DESK,
    ("POST", "/desk/call/{entry_id}/ticket"): DESK,
    ("POST", "/desk/call/{entry_id}/wrap-up"): DESK,
    ("POST", "/desk/call/{entry_id}/talk"): DESK,
    ("GET", "/wallboard"): FLOOR,
    ("GET", "/wallboard/events"): FLOOR,
    ("POST", "/wallboard/{entry_id}/listen"): frozenset({SUPERVISOR}),
    ("POST", "/wallboard/{entry_id}/remove"): frozenset({SUPERVISOR}),
    ("POST", "/wallboard/{entry_id}/give"): frozenset({SUPERVISOR}),
    ("GET", "/training"): DESK,
    ("GET", "/training/drill/{drill_id}"): DESK,
    ("GET", "/training/drill/{drill_id}/sound"): DESK,
    ("POST", "/training/drill/{drill_id}"): DESK,
    ("GET", "/training/result/{practice_id}"): DESK,
    ("GET", "/training/progress/{trainee}"): DESK,
    ("POST", "/training/practice"): DESK,
    ("GET", "/training/practice/{practice_id}"): DESK,
    ("GET", "/training/practice/{practice_id}/events"): DESK,
    ("POST", "/training/practice/{practice_id}/claim"): DESK,
    ("POST", "/training/practice/{practice_id}/hang-up"): DESK,
    ("POST", "/training/practice/{practice_id}/ticket"): DESK,
    ("POST", "/training/practice/{practice_id}/give-up"): DESK,
    ("GET", "/training/team"): frozenset({SUPERVISOR}),
    ("GET", "/casework"): CASEWORK,
    ("GET", "/casework/export"): CASEWORK,
    ("GET", "/casework/whistles"): CASEWORK,
    ("POST", "/casework/whistles/{id}/{step}"): frozenset({UNIT, SUPERVISOR}),
    ("GET", "/casework/incidents"): CASEWORK,
    ("GET", "/casework/incidents/{id}"): CASEWORK,
    ("POST", "/casework/incidents/{id}/{step}"): HANDLERS,
    ("GET", "/casework/rates"): CASEWORK,
    ("GET", "/casework/tickets/{number}"): CASEWORK,
    ("POST", "/casework/tickets/{number}/reveal"): HANDLERS,
    ("GET", "/casework/tickets/{number}/sound/{mark}"): HANDLERS,
    ("POST", "/casework/tickets/{number}/do/{action}"): HANDLERS,
    ("GET", "/corrections"): LEARNING,
    ("GET", "/corrections.csv"): LEARNING,
    ("GET", "/accounts"): ADMINS,
    ("POST", "/accounts"): ADMINS,
    ("POST", "/accounts/{name}/lock"): ADMINS,
    ("POST", "/accounts/{name}/unlock"): ADMINS,
    ("POST", "/accounts/{name}/reset"): ADMINS,
    ("GET", "/audit"): ADMINS,
}

#: Where somebody who has just signed in goes.
HOMES = {
    Role.AGENT: "/desk",
    Role.SUPERVISOR: "/wallboard",
    Role.EDITOR: "/corrections",
    Role.ANALYST: "/corrections",
    Role.ADMIN: "/accounts",
    Role.UNIT: "/casework",
}
#: Until somebody has chosen their own password, they get no further than this.
BEFORE_PASSWORD = frozenset({"/password", "/logout"})


def allows(method: str, path: str, role: Role) -> bool:
    """Whether a role may use a route. ``path`` is the route's, with its braces."""
    row = ACCESS.get((method, path), frozenset())
    return row is Open.PUBLIC or (isinstance(row, frozenset) and role in row)
