"""A folder that stands for the Hugging Face hub, behind the requests that its client makes."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def commit_of(folder: Path) -> str:
    """Return a name for the state of a folder."""
    found = hashlib.sha1()
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        found.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return found.hexdigest()


def make_handler(root: Path) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests from `root/<organisation>/<model>`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

        def answer(self, value: object, status: int = 200, **headers: str) -> None:
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            for name, text in headers.items():
                self.send_header(name.replace("_", "-"), text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def missing(self) -> None:
            self.answer({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            parts = self.path.partition("?")[0].strip("/").split("/")
            if parts[0] == "api" and "tree" in parts:
                self.list_files(root / parts[2] / parts[3])
            elif parts[0] == "api":
                self.describe(root / parts[2] / parts[3])
            else:
                self.send_file(root / parts[0] / parts[1], "/".join(parts[4:]))

        def describe(self, folder: Path) -> None:
            if not folder.is_dir():
                self.missing()
                return
            names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
            name = f"{folder.parent.name}/{folder.name}"
            siblings = [{"rfilename": item} for item in names]
            self.answer({"id": name, "sha": commit_of(folder), "siblings": siblings, "tags": []})

        def list_files(self, folder: Path) -> None:
            rows = []
            for path in sorted(item for item in folder.rglob("*") if item.is_file()):
                content = path.read_bytes()
                row = {"type": "file", "path": str(path.relative_to(folder)), "size": len(content)}
                rows.append(row | {"oid": hashlib.sha1(content).hexdigest()})
            self.answer(rows)

        def send_file(self, folder: Path, name: str) -> None:
            path = folder / name
            if not path.is_file():
                self.answer({"error": "Entry not found"}, 404, X_Error_Code="EntryNotFound")
                return
            content = path.read_bytes()
            etag = f'"{hashlib.sha1(content).hexdigest()}"'
            self.answer(content, ETag=etag, X_Repo_Commit=commit_of(folder))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = self.path.partition("?")[0].strip("/").split("/")
            address = f"http://{self.headers['Host']}"
            if parts[-1] == "create":
                asked = json.loads(content)
                folder = root / asked["organization"] / asked["name"]
                folder.mkdir(parents=True, exist_ok=True)
                self.answer({"url": f"{address}/{asked['organization']}/{asked['name']}"})
            elif "preupload" in parts:
                files = json.loads(content)["files"]
                kept = [
                    {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                    for f in files
                ]
                self.answer({"files": kept})
            elif "commit" in parts:
                folder = root / parts[2] / parts[3]
                for line in content.splitlines():
                    item = json.loads(line)
                    if item["key"] == "file":
                        path = folder / item["value"]["path"]
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(base64.b64decode(item["value"]["content"]))
                oid = commit_of(folder)
                url = f"{address}/{parts[2]}/{parts[3]}/commit/{oid}"
                self.answer({"success": True, "commitOid": oid, "commitUrl": url})
            else:
                self.answer({}, 200)

    return Handler


@contextmanager
def stand_in(root: Path) -> Iterator[str]:
    """Serve a folder on this machine, and yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(root))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
