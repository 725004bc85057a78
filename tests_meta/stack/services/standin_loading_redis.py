"""A stand-in for a Redis that is loading its data: says so to every command, as Redis does."""

from __future__ import annotations

import socketserver


class Loading(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Answers each command with the error of a loading server."""
        while line := self.rfile.readline():
            for _ in range(2 * int(line[1:]) if line.startswith(b"*") else 0):
                self.rfile.readline()
            self.wfile.write(b"-LOADING Redis is loading the dataset in memory\r\n")


def main() -> None:
    """Serves on 6379."""
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("", 6379), Loading).serve_forever()


if __name__ == "__main__":
    main()
