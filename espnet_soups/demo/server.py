"""The web server of the page: Python's own, with limits and a sentence for every refusal."""

import ipaddress
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/recorder.js": ("recorder.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
ABOUT, LISTEN = "/api/about", "/api/listen"
WAITING = 4  # recordings at work or in line; the next one is asked to come back
BLOCK = 65536  # bytes
PATIENCE = 30  # seconds that a browser may be silent while it sends
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
POLICY += " img-src 'self'; media-src blob:; form-action 'none'; base-uri 'none';"
POLICY += " frame-ancestors 'none'"
LOCAL_NAME = "localhost"


class Model(Protocol):
    """What the server asks; `espnet_soups.demo.listener.Listener` is one."""

    def about(self) -> dict[str, Any]:
        """Return what the page shows before it is used."""
        ...

    def __call__(self, content: bytes, language: str, name: str) -> dict[str, Any]:
        """Return what a recording says; `ValueError` says in one sentence why it cannot.

        Args:
            content: An audio file with its header.
            language: The language that is spoken; empty: the model identifies it.
            name: Name of the recording in messages.
        """
        ...


class RefusedError(Exception):
    """A request that is not served.

    Args:
        status: Status of the answer.
        sentence: What the page shows.
    """

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class BusyError(RefusedError):
    """The line of recordings is full."""


class DemoServer(ThreadingHTTPServer):
    """Server of the page and of one model, which hears one recording at a time.

    Args:
        model: What answers.
        host: Address to listen on.
        port: Port; 0: any that is free.
        max_bytes: Larger uploads are refused.

    Raises:
        OSError: If the address cannot be used.
        ValueError: If the limit is not positive.
    """

    daemon_threads = True

    def __init__(self, model: Model, host: str, port: int, max_bytes: int) -> None:
        if not max_bytes > 0:
            raise ValueError(f"`--max_mb` must be positive, but got {max_bytes / 1e6:g}.")
        self.model, self.max_bytes = model, max_bytes
        self.local = is_local(host)
        self._at_work, self._in_line = threading.Lock(), threading.BoundedSemaphore(WAITING)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        """Return the address of the page."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}/" if ":" in str(host) else f"http://{host!s}:{port}/"

    @contextmanager
    def in_line(self) -> Iterator[None]:
        """Hold a place in the line of recordings.

        Raises:
            BusyError: If the line is full.
        """
        if not self._in_line.acquire(blocking=False):
            raise BusyError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{WAITING} recordings are being worked on: try again in a moment.",
            )
        try:
            yield
        finally:
            self._in_line.release()

    def listen(self, content: bytes, language: str, name: str) -> dict[str, Any]:
        """Return what a recording says, once those before it are done; see `Model`.

        Args:
            content: An audio file with its header.
            language: The language that is spoken; empty: the model identifies it.
            name: Name of the recording in messages.
        """
        with self._at_work:
            return self.model(content, language, name)


def is_local(host: str) -> bool:
    """Return whether an address is one that only this machine reaches.

    Args:
        host: A name, or an address of either version.

    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0"), is_local("my.net")
    (True, True, False, False)
    """
    if host == LOCAL_NAME:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Handler(BaseHTTPRequestHandler):
    server: DemoServer
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, work: Any) -> None:
        try:
            self._check_source()
            work()
        except RefusedError as error:
            self._refuse(error.status, str(error))
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the browser has gone
        except Exception:
            logging.exception(f"The request {self.path} failed")
            sentence = "The server failed on this recording: its terminal says why."
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)

    def _get(self) -> None:
        path = urlsplit(self.path).path
        if path == ABOUT:
            about = self.server.model.about() | {"max_bytes": self.server.max_bytes}
            self._send(HTTPStatus.OK, json.dumps(about).encode(), "application/json")
        elif path in PAGE:
            name, kind = PAGE[path]
            content = files("espnet_soups.demo").joinpath("page", name).read_bytes()
            self._send(HTTPStatus.OK, content, kind)
        else:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"There is no {path} here: open /.")

    def _post(self) -> None:
        address = urlsplit(self.path)
        if address.path != LISTEN:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"There is no {address.path} here: open /.")
        length = self._length()
        asked = {key: values[-1] for key, values in parse_qs(address.query).items()}
        name = asked.get("name", "The recording")
        try:
            with self.server.in_line():
                content = self.rfile.read(length)
                if len(content) < length:
                    raise ConnectionError
                heard = self.server.listen(content, asked.get("language", ""), name)
        except BusyError:
            self._skip(length)
            raise
        self._send(
            HTTPStatus.OK, json.dumps(heard, ensure_ascii=False).encode(), "application/json"
        )

    def _skip(self, length: int) -> None:
        """Read an upload away: a browser that still sends would not see the answer."""
        while length > 0 and (block := self.rfile.read(min(length, BLOCK))):
            length -= len(block)

    def _length(self) -> int:
        """Return the size of an upload, before any of it is read."""
        given = self.headers.get("Content-Length", "")
        if not given.isdecimal():
            raise RefusedError(
                HTTPStatus.LENGTH_REQUIRED, "The upload does not say how long it is."
            )
        most = self.server.max_bytes
        if int(given) > most:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The file has {int(given) / 1e6:,.1f} MB, but this page takes {most / 1e6:g} MB at"
                " most: use `espnet-soups transcribe`.",
            )
        return int(given)

    def _check_source(self) -> None:
        """Refuse pages of other sites, and names that others let lead to this machine."""
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        name = urlsplit(f"//{host}").hostname or ""
        foreign = origin is not None and urlsplit(origin).netloc != host
        if foreign or (self.server.local and not is_local(name)):
            raise RefusedError(HTTPStatus.FORBIDDEN, "This page answers only to itself.")

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        # what was not read of the upload would be taken for the next request
        self.close_connection = True
        body = json.dumps({"error": sentence}, ensure_ascii=False).encode()
        self._send(status, body, "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        logging.debug(format, *args)
