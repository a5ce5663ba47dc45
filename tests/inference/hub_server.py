"""A stand-in for the Hugging Face hub: it keeps what is committed, and gives it out again."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "a" * 40


class Hub:
    """The files of every repository, and the requests that came."""

    def __init__(self):
        self.files = {}
        self.private = {}
        self.requests = []


def _handler(hub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        @property
        def address(self):
            return f"http://{self.headers['Host']}"

        def answer(self, body=b"", status=200, kind="application/json", **headers):
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def missing(self):
            self.answer({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")

        def do_POST(self):
            hub.requests.append(f"POST {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                name = (
                    f"{asked['organization']}/{asked['name']}"
                    if asked.get("organization")
                    else asked["name"]
                )
                hub.files.setdefault(name, {})
                hub.private[name] = asked.get("private") or asked.get("visibility") == "private"
                return self.answer({"url": f"{self.address}/{name}", "name": name, "id": name})
            if self.path == "/api/validate-yaml":
                return self.answer({"errors": [], "warnings": []})
            found = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit)/main", self.path)
            if not found or found[1] not in hub.files:
                return self.missing()
            if found[2] == "preupload":
                files = json.loads(body)["files"]
                modes = [
                    {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for f in files
                ]
                return self.answer({"files": modes, "commitOid": COMMIT})
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    hub.files[found[1]][value["path"]] = base64.b64decode(value["content"])
            url = f"{self.address}/{found[1]}/commit/{COMMIT}"
            return self.answer({"success": True, "commitOid": COMMIT, "commitUrl": url})

        def do_GET(self):
            hub.requests.append(f"{self.command} {self.path}")
            path = self.path.partition("?")[0]
            info = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path)
            if info and info[1] in hub.files and info[2] in (None, "main", "v1", COMMIT):
                siblings = [{"rfilename": name} for name in hub.files[info[1]]]
                return self.answer({"id": info[1], "sha": COMMIT, "siblings": siblings})
            tree = re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path)
            if tree and tree[1] in hub.files:
                return self.answer(
                    [
                        {"type": "file", "path": name, "size": len(data), "oid": _etag(data)}
                        for name, data in hub.files[tree[1]].items()
                    ]
                )
            file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
            data = hub.files.get(file[1], {}).get(file[3]) if file else None
            if data is None:
                return self.missing()
            return self.answer(
                data, kind="application/octet-stream", ETag=f'"{_etag(data)}"', X_Repo_Commit=COMMIT
            )

        do_HEAD = do_GET  # noqa: N815

    return Handler


def _etag(data):
    return hashlib.sha1(data).hexdigest()


@contextmanager
def serving():
    """The hub and its address, while the block runs."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
