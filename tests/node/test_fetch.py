"""Downloads go on where they stopped, and nothing wrong ever gets its final name."""

from __future__ import annotations

import hashlib
import stat
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.node.fetch import download, fresh_folder, is_done, reachable, unpack
from bot.node.types import Say, SetupError, UnreachableError

BODY = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves BODY; can stop half-way, and can be unable to continue a download."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str] = []
        self.stop_after: list[int] = []
        """Bytes after which the next replies break off."""
        self.knows_ranges = True
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.ranges.append(asked)
        start = int(asked[6:-1]) if asked and self.server.knows_ranges else 0
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        if start >= len(BODY):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(BODY)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        self.send_header("Content-Length", str(len(BODY) - start))
        self.end_headers()
        end = start + self.server.stop_after.pop(0) if self.server.stop_after else len(BODY)
        self.wfile.write(BODY[start:end])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_download_that_breaks_off_goes_on_by_itself(
    server: Server, tmp_path: Path, say: Say, said: list[str]
) -> None:
    server.stop_after = [300_000, 200_000]
    target = tmp_path / "model.zip"
    download(server.url, target, say=say, sha256=SHA256, size=len(BODY))
    assert target.read_bytes() == BODY
    assert server.ranges == ["", "bytes=300000-", "bytes=500000-"]
    assert not (tmp_path / "model.zip.part").exists()
    assert any("connection lost" in line for line in said)


def test_a_download_goes_on_from_what_an_earlier_run_left(
    server: Server, tmp_path: Path, say: Say
) -> None:
    (tmp_path / "model.zip.part").write_bytes(BODY[:1000])
    download(server.url, tmp_path / "model.zip", say=say, sha256=SHA256)
    assert server.ranges == ["bytes=1000-"]
    assert (tmp_path / "model.zip").read_bytes() == BODY


def test_a_server_that_cannot_continue_is_asked_for_the_whole_file(
    server: Server, tmp_path: Path, say: Say
) -> None:
    server.knows_ranges = False
    (tmp_path / "model.zip.part").write_bytes(b"x" * 1000)
    download(server.url, tmp_path / "model.zip", say=say, sha256=SHA256)
    assert (tmp_path / "model.zip").read_bytes() == BODY


def test_a_finished_part_is_not_fetched_again(server: Server, tmp_path: Path, say: Say) -> None:
    (tmp_path / "model.zip.part").write_bytes(BODY)
    download(server.url, tmp_path / "model.zip", say=say, sha256=SHA256)
    assert (tmp_path / "model.zip").read_bytes() == BODY


def test_a_file_with_a_wrong_checksum_is_refused_and_deleted(
    server: Server, tmp_path: Path, say: Say
) -> None:
    with pytest.raises(SetupError, match="expected 0000"):
        download(server.url, tmp_path / "model.zip", say=say, sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_a_wrong_size_is_refused(server: Server, tmp_path: Path, say: Say) -> None:
    with pytest.raises(SetupError, match="instead of"):
        download(server.url, tmp_path / "model.zip", say=say, size=len(BODY) + 5)
    assert not (tmp_path / "model.zip").exists()


def test_a_refusal_is_told_with_its_status(server: Server, tmp_path: Path, say: Say) -> None:
    server.status = 404
    with pytest.raises(SetupError, match="HTTP 404"):
        download(server.url, tmp_path / "model.zip", say=say)


def test_a_server_that_is_not_there_is_unreachable(
    tmp_path: Path, say: Say, free_port: int
) -> None:
    with pytest.raises(UnreachableError, match="Cannot download"):
        download(f"http://127.0.0.1:{free_port}/x", tmp_path / "x", say=say)


def test_reachability_is_answered_with_a_reason(server: Server, free_port: int) -> None:
    assert "ConnectError" in reachable(f"http://127.0.0.1:{free_port}/x", 3)
    # This server refuses HEAD with 501, so the reason names the status.
    assert reachable(server.url, 3) == "HTTP 501"


def _zip(path: Path, members: dict[str, str], link: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    return path


@pytest.mark.parametrize("name", ["../evil", "m/../../evil", "/evil", "m\\..\\evil"])
def test_an_archive_that_would_write_outside_its_folder_is_refused(
    tmp_path: Path, name: str
) -> None:
    archive = _zip(tmp_path / "a.zip", {"m/good": "1", name: "2"})
    with pytest.raises(SetupError, match="not safe"):
        unpack(archive, tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


def test_an_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", {"m/good": "1"}, link="m/link")
    with pytest.raises(SetupError, match="m/link"):
        unpack(archive, tmp_path / "out")


def test_the_wrapping_folder_is_left_out(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", {"m/am/x": "1", "other/y": "2"})
    unpack(archive, tmp_path / "out", "m/")
    assert [
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")
    ] == []
    assert (tmp_path / "out/am/x").read_text() == "1"
    assert not (tmp_path / "out/y").exists()


def test_something_that_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no")
    with pytest.raises(SetupError, match="not a zip"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "model"

    def break_off() -> None:
        with fresh_folder(target, "v1") as fresh:
            (fresh / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert list(tmp_path.iterdir()) == []
    with fresh_folder(target, "v1") as fresh:
        (fresh / "whole").touch()
    assert is_done(target, "v1")
    assert not is_done(target, "v2")


def test_a_new_version_replaces_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "model"
    for version in ("v1", "v2"):
        with fresh_folder(target, version) as fresh:
            (fresh / version).touch()
    assert sorted(p.name for p in target.iterdir()) == [".stamp", "v2"]
    assert list(tmp_path.iterdir()) == [target]
