"""The web server: what it serves, its limits, and whom it answers."""

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from espnet_soups.demo import server as module
from espnet_soups.demo.server import DemoServer


class Echo:
    """A model that says what it was asked."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()

    def about(self) -> dict[str, Any]:
        return {"name": "echo"}

    def __call__(self, content: bytes, language: str, name: str) -> dict[str, Any]:
        assert self.go.wait(30)
        if language == "xx":
            raise ValueError(f"{name}: unknown.")
        if language == "bug":
            raise RuntimeError("a defect")
        return {"heard": content.decode(), "language": language, "name": name}


@pytest.fixture
def served() -> Iterator[DemoServer]:
    with DemoServer(Echo(), "127.0.0.1", 0, 1000) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(
    served: DemoServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", served.server_address[1], timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    read = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return read


def said(served: DemoServer, *words: Any, **headers: str) -> tuple[int, str]:
    """Return the status of a refusal and its sentence."""
    status, _, body = ask(served, *words, **headers)
    return status, json.loads(body)["error"]


def test_the_page_and_all_its_files_come_from_the_server(served: DemoServer):
    for path, (_, kind) in module.PAGE.items():
        status, headers, body = ask(served, "GET", path)
        assert (status, headers["Content-Type"]) == (200, kind)
        assert b"https://" not in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, _, body = ask(served, "GET", "/api/about")
    assert (status, json.loads(body)) == (200, {"name": "echo", "max_bytes": 1000})
    assert said(served, "GET", "/../setup.py") == (404, "There is no /../setup.py here: open /.")
    assert said(served, "POST", "/api/other", b"x")[0] == 404


def test_a_recording_is_handed_to_the_model(served: DemoServer):
    status, _, body = ask(
        served, "POST", "/api/listen?language=fr&name=%C3%A9t%C3%A9+1.wav", b"abc"
    )
    assert (status, json.loads(body)) == (
        200,
        {"heard": "abc", "language": "fr", "name": "été 1.wav"},
    )
    assert said(served, "POST", "/api/listen?language=xx&name=a.wav", b"abc") == (
        400,
        "a.wav: unknown.",
    )


def test_a_defect_is_told_without_its_details_and_logged(
    served: DemoServer, caplog: pytest.LogCaptureFixture
):
    status, sentence = said(served, "POST", "/api/listen?language=bug", b"abc")
    assert (status, sentence) == (
        500,
        "The server failed on this recording: its terminal says why.",
    )
    assert "a defect" in caplog.text


def test_uploads_have_a_limit_and_a_length(served: DemoServer):
    status, sentence = said(served, "POST", "/api/listen", b"x" * 1001)
    assert status == 413
    assert sentence.startswith("The file has 0.0 MB, but this page takes 0.001 MB at most")
    assert said(served, "POST", "/api/listen", b"", **{"Content-Length": "-1"})[0] == 411
    with pytest.raises(ValueError, match=r"`--max_mb` must be positive, but got 0\."):
        DemoServer(Echo(), "127.0.0.1", 0, 0)


def test_other_sites_and_names_are_refused(served: DemoServer):
    own = f"127.0.0.1:{served.server_address[1]}"
    refused = (403, "This page answers only to itself.")
    assert said(served, "POST", "/api/listen", b"x", Origin="https://evil.example") == refused
    assert said(served, "GET", "/api/about", Host="evil.example") == refused
    assert ask(served, "POST", "/api/listen", b"x", Origin=f"http://{own}")[0] == 200
    assert ask(served, "GET", "/", Host="localhost:7860")[0] == 200


def test_a_full_line_asks_to_come_back(served: DemoServer):
    served.model.go.clear()
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(served, "POST", "/api/listen", b"x")[0]))
        for _ in range(module.WAITING)
    ]
    for thread in threads:
        thread.start()
    while served._in_line._value:
        threading.Event().wait(0.01)
    status, sentence = said(served, "POST", "/api/listen", b"x")
    assert (status, sentence[:30]) == (503, "4 recordings are being worked ")
    served.model.go.set()
    for thread in threads:
        thread.join()
    assert answers == [200] * module.WAITING
    assert ask(served, "POST", "/api/listen", b"x")[0] == 200


def test_the_next_version_of_addresses_is_served():
    with DemoServer(Echo(), "::1", 0, 1000) as made:
        assert made.address == f"http://[::1]:{made.server_address[1]}/"
