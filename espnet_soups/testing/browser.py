"""A headless Chromium, driven by the DevTools protocol over a pipe: no driver, no package."""

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60  # seconds until an answer or a state of the page must have come
SWITCHES: tuple[str, ...] = (
    "--headless=new",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
)
SWITCHES += ("--no-sandbox", "--mute-audio", "--autoplay-policy=no-user-gesture-required")
SWITCHES += ("--remote-debugging-pipe", "--disable-extensions", "--disable-background-networking")
KEYS = {"Tab": 9, "Enter": 13, " ": 32, "ArrowDown": 40, "ArrowRight": 39}


def find_browser() -> str | None:
    """Return the path of an installed Chromium; None: there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def _lift(descriptor: int) -> int:
    """Return a copy of a descriptor with a larger number, in its place."""
    lifted = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return lifted


class Browser:
    """One page of a headless Chromium.

    Args:
        folder: An existing folder for its profile and log.
        *switches: More switches of the command line.
    """

    def __init__(self, folder: Path, *switches: str) -> None:
        program = find_browser()
        assert program is not None
        # the protocol wants descriptors 3 and 4, so ours lie above
        there, self._out = map(_lift, os.pipe())
        self._in, back = map(_lift, os.pipe())
        line = f'exec "$0" "$@" 3<&{there} 4>&{back}'
        profile = f"--user-data-dir={folder / 'profile'}"
        self._log = (folder / "browser.log").open("wb")
        self._process = subprocess.Popen(
            ["bash", "-c", line, program, *SWITCHES, *switches, profile, "about:blank"],
            pass_fds=(there, back),
            stdout=self._log,
            stderr=self._log,
        )
        os.close(there)
        os.close(back)
        self._numbers, self._rest, self._session = itertools.count(1), b"", ""
        self.complaints: list[str] = []
        pages = [
            item for item in self.call("Target.getTargets")["targetInfos"] if item["type"] == "page"
        ]
        given = {"targetId": pages[0]["targetId"], "flatten": True}
        self._session = self.call("Target.attachToTarget", **given)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._in)
        os.close(self._out)
        self._log.close()

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Send a command of the protocol, and return what it answers.

        Args:
            method: Name of the command.
            **given: Its parameters.
        """
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": number, "method": method, "params": given} | session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], PATIENCE)
            assert ready, "the browser is silent"
            read = os.read(self._in, 1 << 16)
            assert read, "the browser has ended: see browser.log"
            self._rest += read
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(message["params"]["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        return message

    def open(self, address: str) -> None:
        """Open a page, and wait until it knows its model or shows an error.

        Args:
            address: Address of the page.
        """
        self.call("Page.navigate", url=address)
        self.wait("document.body?.dataset.ready || document.querySelector('#error:not([hidden])')")

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript; a promise is awaited.

        Args:
            script: The expression.
        """
        given = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", expression=script, **given)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until an expression is true.

        Args:
            script: The expression, of JavaScript.
        """
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < end, (
                f"{script} never came: {self.run('document.body.innerText')}"
            )
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Press keys, one after another.

        Args:
            *keys: Names of keys, see `KEYS`.
        """
        for key in keys:
            given = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            text = {"text": "\r" if key == "Enter" else key} if key in ("Enter", " ") else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", **given, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in a field.

        Args:
            selector: CSS selector of the field.
            path: The file.
        """
        answer = self.call("Runtime.evaluate", expression=f"document.querySelector('{selector}')")
        handle = answer["result"]["objectId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], objectId=handle)

    def look(self, width: int, height: int, scheme: str) -> None:
        """Give the page a size in pixels, and a scheme, `light` or `dark`.

        Args:
            width: Width, pixels; below 600 it is a phone.
            height: Height, pixels.
            scheme: `light` or `dark`.
        """
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def picture(self, path: Path) -> None:
        """Write a PNG of the whole page.

        Args:
            path: The file.
        """
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))
