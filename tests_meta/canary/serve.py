"""Runs in the container `canary`: prints log lines, answers HTTP with a status and a body, and Redis with an error."""

from __future__ import annotations

import base64
import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONTENT: dict[str, Any] = json.loads(Path("/canary/content.json").read_text())


class Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # http.server's name
        body = CONTENT["body"].encode()
        self.send_response(CONTENT["status"])
        for name, value in [*CONTENT["headers"].items(), ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        pass


class Redis(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while self.rfile.readline():
            self.wfile.write(f"-ERR {CONTENT['redis']}\r\n".encode())


for line in CONTENT["lines"]:
    sys.stdout.buffer.write(base64.b64decode(line) + b"\n")
sys.stdout.flush()
if CONTENT["exit_option"] in sys.argv:
    sys.exit(3)
threading.Thread(target=socketserver.ThreadingTCPServer(("", 6399), Redis).serve_forever, daemon=True).start()
ThreadingHTTPServer(("", 9999), Web).serve_forever()
