"""Web servers that fail as they are told."""

import http.client
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class FaultyServer(ThreadingHTTPServer):
    """The first answers to requests of a .mp4 or a .tar are what `faults` says.

    A number is a status, "cut" an answer that ends half way, "drop" a connection that is closed
    without one, "slow" one that comes in ten pieces, and "stall" one that never comes.

    Attributes:
        asked: those files, with their ranges, in the order in which they were asked for.
    """

    daemon_threads = True

    def __init__(self, *faults):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.asked = list(faults), []
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()

    def answer(self, method, path, headers, body):
        """Status, headers and body of an answer without a fault."""
        raise NotImplementedError


class FolderServer(FaultyServer):
    """Serves a folder."""

    def __init__(self, folder, *faults):
        super().__init__(*faults)
        self.folder = Path(folder)

    def answer(self, method, path, headers, body):
        file = self.folder / path.lstrip("/")
        if not file.is_file():
            return 404, {}, b""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("Range", ""))
        content = file.read_bytes()
        if wanted:
            first, last = map(int, wanted.groups())
            return 206, {}, content[first : last + 1]
        return 200, {"Accept-Ranges": "bytes"}, content


class Proxy(FaultyServer):
    """Hands requests on to another server."""

    def __init__(self, host, port, *faults):
        super().__init__(*faults)
        self.behind = host, port

    def answer(self, method, path, headers, body):
        behind = http.client.HTTPConnection(*self.behind)
        behind.request(method, path, body, dict(headers))
        found = behind.getresponse()
        kept = {name: value for name, value in found.getheaders() if name.lower() not in OWN}
        if method == "HEAD":
            kept["Content-Length"] = found.headers["Content-Length"] or "0"
        return found.status, kept, found.read()


OWN = {"content-length", "transfer-encoding", "connection", "date", "server"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length else b""
        status, headers, content = self.server.answer(self.command, self.path, self.headers, body)
        fault = None
        if self.command == "GET" and self.path.endswith((".mp4", ".tar")):
            self.server.asked.append((self.path, self.headers.get("Range")))
            fault = self.server.faults.pop(0) if self.server.faults else None
        self.close_connection = fault is not None
        if fault == "stall":
            self.server.over.wait()
        elif fault != "drop":
            if isinstance(fault, int):
                status, headers, content = fault, {}, b""
            self.send(status, {"Content-Length": str(len(content)), **headers})
            if self.command != "HEAD":
                self.body(content, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815

    def body(self, content, fault):
        if fault == "cut":
            content = content[: len(content) // 2]
        pieces = 10 if fault == "slow" else 1
        size = -(-len(content) // pieces) or 1
        for start in range(0, len(content), size):
            self.wfile.write(content[start : start + size])
            self.wfile.flush()
            time.sleep(0.02 if fault == "slow" else 0)

    def send(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *words):
        pass
