"""The body of an HTTP answer, from a real server: whatever it packs, no more is unpacked than is kept."""

from __future__ import annotations

import gzip
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fixtures.evidence import ProbeError
from fixtures.probes.body import BODY_BYTES
from fixtures.probes.http import fetch

TEXT = b'{"status": "ok", "service": "auth-service"}'
MEGABYTES_64 = gzip.compress(bytes(2**26), 9)
BODIES = {  # path -> Content-Encoding, body
    "/plain": ("", TEXT),
    "/identity": ("identity", TEXT),
    "/gzip": ("gzip", gzip.compress(TEXT)),
    "/x-gzip": ("X-GZip", gzip.compress(TEXT)),
    "/deflate": ("deflate", zlib.compress(TEXT)),
    "/raw-deflate": ("deflate", zlib.compress(TEXT)[2:-4]),
    "/long": ("", b"word " * 20_000),
    "/long-gzip": ("gzip", gzip.compress(b"word " * 20_000)),
    "/bomb": ("gzip", MEGABYTES_64),
    "/double-bomb": ("gzip, gzip", gzip.compress(MEGABYTES_64)),
    "/broken": ("gzip", b"no gzip at all"),
    "/brotli": ("br", b"\x0f\x02\x80ok\x03"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that packs as the path says, although nobody asked for it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            encoding, body = BODIES[self.path]
            self.send_response(200)
            if encoding:
                self.send_header("Content-Encoding", encoding)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Not on the test's output."""

    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{one.server_port}"
    one.shutdown()
    one.server_close()


@pytest.mark.parametrize("path", ["/plain", "/identity", "/gzip", "/x-gzip", "/deflate", "/raw-deflate"])
def test_a_packed_body_is_read_as_a_plain_one(server: str, path: str) -> None:
    answer = fetch("GET", server + path, 3)
    assert (answer["body"], answer["cut"]) == (TEXT.decode(), False)


@pytest.mark.parametrize("path", ["/long", "/long-gzip"])
def test_a_long_body_is_cut_behind_a_word(server: str, path: str) -> None:
    answer = fetch("GET", server + path, 3)
    assert answer["cut"] is True
    assert BODY_BYTES - 5 <= len(answer["body"]) <= BODY_BYTES
    assert answer["body"].split()[-1] == "word"


@pytest.mark.parametrize("path", ["/bomb", "/double-bomb"])
def test_a_small_body_that_is_large_unpacked_costs_no_memory(server: str, path: str) -> None:
    fetch("GET", server + "/plain", 3)
    tracemalloc.start()
    try:
        answer = fetch("GET", server + path, 3)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer["status"] == 200
    assert len(answer["body"]) <= BODY_BYTES
    assert most < 2**22


def test_what_is_packed_in_another_way_is_left_as_it_came(server: str) -> None:
    answer = fetch("GET", server + "/brotli", 3)
    assert (answer["status"], answer["headers"]["content-encoding"]) == (200, "br")
    assert "ok" in answer["body"]


def test_what_cannot_be_unpacked_is_no_proper_answer(server: str) -> None:
    with pytest.raises(ProbeError, match="cannot be unpacked") as caught:
        fetch("GET", server + "/broken", 3)
    assert caught.value.kind == "protocol"
