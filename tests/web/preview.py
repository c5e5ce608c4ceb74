"""A small server that shows every template with literal content: `python -m tests.web.preview [port]`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.web import samples
from xrm_core.web import render
from xrm_core.web.assets import PREFIX
from xrm_core.web.texts import built

Page = Callable[[], str]
PAGES: dict[str, Page] = {
    "/m/orders": lambda: render.page(samples.list_page(), samples.shell()),
    "/m/empty": lambda: render.page(samples.empty_page(), samples.shell()),
    "/m/orders/board": lambda: render.page(samples.board_page(), samples.shell()),
    "/m/orders/1": lambda: render.page(samples.record_page(), samples.shell("Greenfield Seeds")),
    "/m/orders/1/edit": lambda: render.page(samples.form_page(), samples.shell("Edit order")),
    "/m/orders/new": lambda: render.page(samples.form_page(True), samples.shell("New order")),
    "/search": lambda: render.page(samples.search_page(), samples.shell("Search")),
    "/search/none": lambda: render.page(samples.search_page("zzz"), samples.shell("Search")),
    "/missing": lambda: render.page(samples.message_page(), samples.shell("Not found")),
    "/login": lambda: render.login(samples.login_page()),
    "/login/wrong": lambda: render.login(samples.login_page("E-mail or password is wrong.")),
    "/message": lambda: render.message(samples.message_page()),
}
HITS = {
    "data": [
        {"module": "orders", "id": item["id"], "title": item["title"], "subtitle": "Hamburg"}
        for item in samples.records(6)
    ]
}


class Handler(BaseHTTPRequestHandler):
    """Pages by path, assets from memory, and just enough API for the elements."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.startswith(PREFIX):
            asset = built(url.path.removeprefix(PREFIX))
            if asset is None:
                return self.answer(404, b"", "text/plain", {})
            body, headers = asset.pick(self.headers.get("Accept-Encoding", ""))
            return self.answer(200, body, asset.media_type, headers)
        if url.path == "/api/v1/search":
            return self.answer(200, json.dumps(HITS).encode(), "application/json", {})
        if url.path == "/m/orders" and self.headers.get("HX-Request"):
            found = len(parse_qs(url.query).get("q", [""])[0])
            view = samples.list_page(5 if found else 50)
            text = (
                render.list_more(view, samples.shell())
                if "more=1" in url.query
                else render.list_results(view, samples.shell())
            )
            return self.answer(200, text.encode(), "text/html; charset=utf-8", {})
        page = PAGES.get(url.path)
        text = page() if page else PAGES["/missing"]()
        theme = parse_qs(url.query).get("theme", [""])[0]
        if theme:
            text = text.replace('data-theme="system"', f'data-theme="{theme}"', 1)
        self.answer(200 if page else 404, text.encode(), "text/html; charset=utf-8", render.security_headers("preview"))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path.endswith("/move") and self.path.startswith("/api/"):
            if json.loads(body).get("stage") == "won":
                problem = {
                    "title": "Not valid",
                    "problems": [{"code": "required", "path": "/due", "message": "Due is needed for Won."}],
                }
                return self.answer(422, json.dumps(problem).encode(), "application/problem+json", {})
            return self.answer(200, b'{"version": 9}', "application/json", {})
        self.answer(204, b"", "text/plain", {})

    def answer(self, status: int, body: bytes, media_type: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": media_type, "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def start(port: int = 0) -> ThreadingHTTPServer:
    """Serve on 127.0.0.1 in a thread; port 0 takes a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    served = start(int(sys.argv[1]) if len(sys.argv) > 1 else 8099)
    print(f"http://127.0.0.1:{served.server_address[1]}/m/orders")
    threading.Event().wait()
