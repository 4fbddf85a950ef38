"""The HTTP server's address, its thread and its end."""

import threading
import urllib.request

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from daemon.config import HttpTable
from daemon.server import HttpServer, bind, page_url
from pipeline.errors import SettingsError


def test_it_serves_until_it_is_told_to_stop():
    app = Starlette(routes=[Route("/", lambda _request: PlainTextResponse("here"))])
    http = HttpTable(port=0)
    with bind(http) as listener:
        address = page_url(http, listener)
        server = HttpServer(app, listener)
        thread = threading.Thread(target=server.run, args=(threading.Event(),))
        thread.start()
        listener.listen()
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == b"here"
        server.stop_serving()
        thread.join(10)
    assert not thread.is_alive()


def test_a_thread_that_is_stopped_before_it_begins_serves_nothing():
    stop = threading.Event()
    stop.set()
    with bind(HttpTable(port=0)) as listener:
        HttpServer(Starlette(), listener).run(stop)


def test_a_port_in_use_names_the_settings():
    with bind(HttpTable(port=0)) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            bind(HttpTable(port=port))
    assert str(caught.value) == (
        f"http.host, http.port: 127.0.0.1:{port} cannot be used: Address already in use"
    )


def test_an_address_that_is_not_ours_is_refused():
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1:0 cannot be used"):
        bind(HttpTable(host="192.0.2.1", port=0))


@pytest.mark.parametrize(
    ("http", "url"),
    [
        (HttpTable(port=0), "http://127.0.0.1:{port}"),
        (HttpTable(host="0.0.0.0", port=0), "http://127.0.0.1:{port}"),
        (HttpTable(port=0, public_url="https://cctv.example/"), "https://cctv.example"),
    ],
)
def test_the_page_is_named_as_a_browser_reaches_it(http, url):
    with bind(http) as listener:
        assert page_url(http, listener) == url.format(port=listener.getsockname()[1])
