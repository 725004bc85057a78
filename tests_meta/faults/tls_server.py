"""An HTTPS server with a chosen certificate, for the faults of certificates. Arguments: PORT CERTIFICATE KEY."""

from __future__ import annotations

import ssl
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler


def main() -> None:
    """Serve until killed."""
    port, certificate, key = sys.argv[1:]
    server = HTTPServer(("127.0.0.1", int(port)), SimpleHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
