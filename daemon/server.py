"""An ASGI application in, a thread that serves it out."""

import logging
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from daemon.config import HttpTable
from pipeline.errors import SettingsError

logger = logging.getLogger(__name__)

GRACE_S = 1


class HttpServer:
    """uvicorn on a socket that was bound before any thread started."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            http="h11",  # it bounds a request's address and headers, together, to 64 KiB
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # whom to believe is for `daemon.access` to say
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = uvicorn.Server(config)

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop_serving`; outside the main thread uvicorn leaves the signals alone."""
        if not stop.is_set():
            self._server.run(sockets=[self._listener])

    def stop_serving(self) -> None:
        """Have `run` return once the open requests are answered, or after a second."""
        self._server.should_exit = True


def bind(http: HttpTable) -> socket.socket:
    """Take the port, so that a port in use is noticed before anything starts.

    Raises:
        SettingsError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((http.host, http.port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise SettingsError(
            f"http.host, http.port: {http.host}:{http.port} cannot be used: {reason}"
        ) from error
    return listener


def page_url(http: HttpTable, listener: socket.socket) -> str:
    """Return where the page is reached: `http.public_url`, or else the address that was bound."""
    if http.public_url:
        return http.public_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(http.host, http.host)
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{bracketed}:{listener.getsockname()[1]}"
