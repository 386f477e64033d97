"""Large files: fetched on after an interruption, and checked."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from espnet_soups.data.download import fetch_file

CONTENT = bytes(range(256)) * 400
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(HTTPServer):
    """Serves CONTENT; breaks off the first `breaks` answers half-way."""

    breaks = 0
    ranges: list[str | None]
    other: dict[str, tuple[str, bytes, int | None]]  # path to type, content and length


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path == "/gone":
            self.send_error(404)
            return
        if self.path in self.server.other:
            kind, content, length = self.server.other[self.path]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)
            return
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = int(wanted.split("=")[1].rstrip("-")) if wanted else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        rest = CONTENT[start:]
        if self.server.breaks:
            self.server.breaks -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.ranges, server.other = [], {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def address(server: Server, path: str = "/file") -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_a_broken_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.breaks = 2
    fetch_file(address(server), tmp_path / "a" / "file", MD5, pause=0.0)
    assert (tmp_path / "a" / "file").read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert server.ranges == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]
    assert not (tmp_path / "a" / "file.part").exists()


def test_a_part_of_an_earlier_run_is_kept_and_a_whole_file_not_fetched_again(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    fetch_file(address(server), tmp_path / "file", MD5)
    fetch_file(address(server), tmp_path / "file", MD5)
    assert server.ranges == ["bytes=1000-"]


def test_a_part_that_is_whole_already_is_taken(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    fetch_file(address(server), tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_wrong_checksum_deletes_what_came(server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    with pytest.raises(OSError, match="wrong checksum"):
        fetch_file(address(server), tmp_path / "file", MD5)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_does_not_exist_is_not_tried_again(server, tmp_path):
    with pytest.raises(OSError, match=r"could not be fetched .*by hand as"):
        fetch_file(address(server, "/gone"), tmp_path / "file", pause=60.0)


PAGE = b"<!DOCTYPE html><html>Please log in</html>"
PACKED = gzip.compress(CONTENT)


@pytest.mark.parametrize(
    ("kind", "content", "length", "said"),
    [
        ("text/html; charset=utf-8", PAGE, None, "a web page came, not the file"),
        ("application/gzip", PAGE, len(PAGE), "a web page that begins with '<!DOCTYPE html>"),
        ("application/gzip", PACKED[:-100], None, "no whole archive .*end-of-stream"),
        ("application/gzip", b"", None, "no whole archive .*an empty file; 0 bytes"),
        ("application/gzip", CONTENT, None, "no whole archive .*a file that begins with"),
    ],
)
def test_what_is_no_whole_archive_is_named_and_not_kept(
    server, tmp_path, kind, content, length, said
):
    server.other["/file"] = (kind, content, length)
    with pytest.raises(OSError, match=rf"/file .*{said}"):
        fetch_file(address(server), tmp_path / "file", pause=60.0)
    assert not (tmp_path / "file").exists()


def test_a_whole_archive_without_a_length_or_a_checksum_is_kept(server, tmp_path):
    server.other["/file"] = ("application/gzip", PACKED, None)
    fetch_file(address(server), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == PACKED


def test_of_a_wrong_checksum_it_is_told_what_came(server, tmp_path):
    server.other["/file"] = ("application/gzip", PAGE, None)
    with pytest.raises(OSError, match=rf"expected md5 {MD5}, found .* a web page that begins"):
        fetch_file(address(server), tmp_path / "file", MD5)
