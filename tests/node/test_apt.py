"""The machine's own Debian mirror is found, whichever way its sources are written."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.node.apt import debian_mirrors, parse_deb822, parse_one_line, read_sources
from bot.node.asterisk import apt_conf, apt_source

DEB822 = """\
# the main archive
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
# a comment inside
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://deb.node.example/node_20.x
Suites: nodistro
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/a.gpg] http://mirror.example/debian bookworm main # x
deb https://cloud.example/apt cloud-sdk-bookworm main
deb http://security.example/debian-security bookworm-security main
"""


def test_a_deb822_stanza_gives_mirror_suites_and_key() -> None:
    first, other = parse_deb822(DEB822)
    assert first.uri == "http://mirror.example/debian"
    assert first.suites == ("bookworm", "bookworm-updates")
    assert first.components == ("main", "contrib")
    assert first.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert other.suites == ("nodistro",)


def test_a_one_line_source_gives_mirror_suite_and_key() -> None:
    first = parse_one_line(ONE_LINE)[0]
    assert first.uri == "http://mirror.example/debian"
    assert first.suites == ("bookworm",)
    assert first.signed_by == "/etc/apt/keyrings/a.gpg"


def test_only_debians_main_archive_is_taken_as_a_mirror() -> None:
    sources = parse_deb822(DEB822) + parse_one_line(ONE_LINE)
    assert [m.uri for m in debian_mirrors(sources)] == ["http://mirror.example/debian"]


def test_a_key_written_into_the_stanza_is_passed_on_whole() -> None:
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----"
    text = (
        "Types: deb\nURIs: http://m.example/debian\nSuites: trixie\n"
        f"Components: main\nSigned-By:\n {key}\n"
    )
    (mirror,) = debian_mirrors(parse_deb822(text))
    assert apt_source(mirror, "forky", "amd64").endswith(f"Signed-By: \n {key}\n")


def test_the_newer_suite_is_asked_of_the_same_mirror_with_the_same_key() -> None:
    (mirror,) = debian_mirrors(parse_deb822(DEB822))
    assert parse_deb822(apt_source(mirror, "forky", "arm64")) == [
        type(mirror)(mirror.uri, ("forky",), ("main",), mirror.signed_by)
    ]


def test_both_kinds_of_files_are_read_and_others_passed_over(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "debian.sources").write_text(DEB822)
    (parts / "old.list.save").write_text("deb http://old.example/debian bookworm main\n")
    uris = {source.uri for source in read_sources(tmp_path)}
    assert "http://mirror.example/debian" in uris
    assert "https://cloud.example/apt" in uris
    assert "http://old.example/debian" not in uris


def test_signatures_are_never_waived_and_the_hosts_state_is_never_used(tmp_path: Path) -> None:
    conf = apt_conf(tmp_path, "amd64")
    assert 'APT::Get::AllowUnauthenticated "false"' in conf
    assert "Check-Valid-Until" not in conf
    assert "trusted" not in conf.lower()
    for setting in ("Dir::State::lists", "Dir::Cache", "Dir::Etc::sourcelist"):
        assert f'{setting} "{tmp_path}' in conf


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    parse_deb822(text)
    parse_one_line(text)
