"""A stand-in for a Redis that is loading its data: answers every command with the error LOADING, as Redis does."""

from __future__ import annotations

import socketserver


class Loading(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Answer each command with the error LOADING."""
        while line := self.rfile.readline():
            for _ in range(2 * int(line[1:]) if line.startswith(b"*") else 0):
                self.rfile.readline()
            self.wfile.write(b"-LOADING Redis is loading the dataset in memory\r\n")


def main() -> None:
    """Serve on port 6379 until killed."""
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("", 6379), Loading).serve_forever()


if __name__ == "__main__":
    main()
