"""A node's passwords are made once, kept from others, and never replaced unasked."""

from __future__ import annotations

import stat

import pytest

from bot.config import Settings
from bot.node.secrets import load_secrets, secrets_path
from bot.node.types import SetupError


def test_passwords_are_made_once_and_only_the_owner_can_read_them(settings: Settings) -> None:
    first = load_secrets(settings)
    assert load_secrets(settings) == first
    assert stat.S_IMODE(secrets_path(settings).stat().st_mode) == 0o600
    assert set(first.agent_passwords) == set(settings.agents)
    passwords = [first.ami_password, first.citizen_password, first.api_token]
    passwords += first.agent_passwords.values()
    assert len(set(passwords)) == len(passwords)
    assert min(map(len, passwords)) >= 16


def test_a_new_agent_gets_a_password_and_the_others_keep_theirs(settings: Settings) -> None:
    first = load_secrets(settings)
    more = settings.model_copy(update={"agents": (*settings.agents, "8009")})
    second = load_secrets(more)
    assert second.agent_passwords.keys() - first.agent_passwords.keys() == {"8009"}
    assert first.agent_passwords.items() <= second.agent_passwords.items()
    assert second.ami_password == first.ami_password


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"ami_password": 1}', "null"])
def test_a_damaged_file_is_told_and_left_alone(settings: Settings, content: str) -> None:
    load_secrets(settings)
    secrets_path(settings).write_text(content)
    with pytest.raises(SetupError, match="is damaged"):
        load_secrets(settings)
    assert secrets_path(settings).read_text() == content


def test_passwords_do_not_show_when_printed(settings: Settings) -> None:
    made = load_secrets(settings)
    assert made.ami_password not in repr(made)
    assert made.agent_passwords[settings.agents[0]] not in repr(made)
