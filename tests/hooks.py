"""A real HTTP server that stands for a notification service: it keeps what it is sent, and can refuse."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers import free_port


@dataclass(frozen=True, slots=True)
class Taken:
    """One message as it arrived; `pictures` by their file names."""

    title: str
    body: str
    kind: str
    pictures: dict[str, bytes]


class Hook:
    """The service behind apprise's `json://`; `start` and `stop` as often as you like, at one address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.code = 200  # what it answers
        self.refuses_pictures = False
        self.taken: list[Taken] = []
        self.refused = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"json://user:s3cret@127.0.0.1:{self.port}/t0ken"

    @property
    def titles(self) -> list[str]:
        return [one.title for one in self.taken]

    def start(self) -> None:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(hook.take(self.rfile.read(int(self.headers["Content-Length"]))))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="hook").start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, body: bytes) -> int:
        message = json.loads(body)
        pictures = {one["filename"]: base64.b64decode(one["base64"]) for one in message["attachments"]}
        code = 413 if pictures and self.refuses_pictures else self.code
        if code == 200:
            self.taken.append(Taken(message["title"], message["message"], message["type"], pictures))
        else:
            self.refused += 1
        return code


@contextmanager
def running_hook() -> Iterator[Hook]:
    """Run a service while the block lasts."""
    hook = Hook()
    hook.start()
    try:
        yield hook
    finally:
        hook.stop()
