"""A web server of a folder that answers ranges, and fails as it is told."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class RangeServer(ThreadingHTTPServer):
    """Serves a folder; the first answers to requests of a range are what `faults` says.

    A number is a status, "cut" an answer that ends half way, "drop" a connection that is closed
    without one, and "stall" one that is never answered.
    """

    daemon_threads = True

    def __init__(self, folder, *faults):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.faults, self.ranges = Path(folder), list(faults), []
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


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        file = self.server.folder / self.path.lstrip("/")
        if not file.is_file():
            return self.start(404, 0)
        content, status, fault = file.read_bytes(), 200, None
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted:
            first, last = map(int, wanted.groups())
            self.server.ranges.append((file.name, first, last + 1 - first))
            content, status = content[first : last + 1], 206
            fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "stall":
            return self.server.over.wait()
        if fault == "drop":
            return self.connection.close()
        if isinstance(fault, int):
            return self.start(fault, 0)
        self.start(status, len(content))
        if body:
            self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

    def start(self, status, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def log_message(self, *words):
        pass
