"""A company's own system: a real HTTP server that notes what it is told, and fails as it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class System:
    """What it was told, in order; `answers` gives the status for a body, 200 without it."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[bytes, str]] = field(default_factory=list)
    answers: Callable[[dict[str, Any]], int] | None = None
    sends_to: str = ""
    url: str = ""

    def told(self, customer_id: str) -> list[tuple[int, str, str | None]]:
        """Number, change and tier of what it took about a customer."""
        theirs = [each for each in self.bodies if each["customer_id"] == customer_id]
        return [(each["number"], each["change"], each["access"]["tier"]) for each in theirs]


@contextmanager
def system() -> Iterator[System]:
    """A running one."""
    made = System()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.requests.append((body, self.headers["Revenue-Signature"]))
            told = json.loads(body)
            status = made.answers(told) if made.answers else 200
            if status == 0:
                self.connection.close()
                return
            if 200 <= status < 300:
                made.bodies.append(told)
            self.send_response(status)
            if made.sends_to:
                self.send_header("Location", made.sends_to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hooks/access"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
