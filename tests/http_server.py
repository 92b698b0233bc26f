"""A local HTTP server that answers as told: pages, failures, cuts, redirects, slowness."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Page:
    """One answer.

    ``fail`` statuses are given first, one per request; ``cut`` closes the line after so many
    bytes, the first ``cuts`` times; ``pause`` waits before the body, ``drip`` between bytes.
    """

    body: bytes = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    etag: str = '"v1"'
    fail: list = field(default_factory=list)
    cut: int | None = None
    cuts: int = 1
    pause: float = 0.0
    drip: float = 0.0
    ranges: bool = True


class Server:
    def __init__(self, url):
        self.url = url
        self.pages = {}
        self.seen = []


@contextmanager
def serving():  # noqa: C901 - one nested handler
    """Yield a `Server` on the loopback; ``pages`` maps paths (query dropped) to answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_POST(self):
            self.posted = self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self):
            server.seen.append((self.path, dict(self.headers), getattr(self, "posted", b"")))
            page = server.pages.get(urlsplit(self.path).path)
            if callable(page):
                page = page(self)
            if page is None:
                page = Page(b"no such page", status=404, etag="")
            if page.fail:
                self.answer(page.fail.pop(0), b"", {})
                return
            self.serve(page)

        def serve(self, page):
            headers = dict(page.headers)
            if page.etag:
                headers["ETag"] = page.etag
                if self.headers.get("If-None-Match") == page.etag:
                    self.answer(304, b"", headers)
                    return
            body, status = page.body, page.status
            asked = self.headers.get("Range")
            if asked and page.ranges and self.headers.get("If-Range") == page.etag:
                start = int(asked.removeprefix("bytes=").split("-")[0])
                if start >= len(body):
                    self.answer(416, b"", headers)
                    return
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body, status = body[start:], 206
            self.answer(status, body, headers, page)

        def answer(self, status, body, headers, page=None):
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if page is None:
                return
            time.sleep(page.pause)
            if page.cut is not None and page.cuts > 0:
                page.cuts -= 1
                self.wfile.write(body[: page.cut])
                self.close_connection = True
                return
            if page.drip:
                for k in range(len(body)):
                    self.wfile.write(body[k : k + 1])
                    time.sleep(page.drip)
                return
            self.wfile.write(body)

        def handle(self):
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server = Server(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
