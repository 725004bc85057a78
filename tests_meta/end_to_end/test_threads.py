"""Threads of a run import no module and make no logger: pytest walks both tables meanwhile."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from service_down.tests_meta.fake_servers import http, recording_server
from service_down.tests_meta.fake_stack import fake_stack

WATCH = """
import logging, sys, threading

def in_thread():
    return threading.current_thread() is not threading.main_thread()

def write(*words):
    with open({log!r}, "a") as log:
        print(*words, threading.current_thread().name, file=log)

class Watch:
    def find_spec(self, name, path=None, target=None):
        if in_thread():
            write("import", name)

get_logger = logging.Manager.getLogger

def get_watched_logger(self, name):
    if in_thread() and name not in self.loggerDict:
        write("logger", name)
    return get_logger(self, name)

sys.meta_path.insert(0, Watch())
logging.Manager.getLogger = get_watched_logger
write("watching", in_thread())
"""
SETTINGS = """
[endpoints.named]
service = "web-0"
host = "localhost"
port = {port}
[endpoints.unknown]
service = "web-0"
host = "no-such-host.invalid"
port = 80
[endpoints.refused]
service = "web-0"
host = "127.0.0.1"
port = {closed}
[endpoints.tls]
service = "web-0"
host = "127.0.0.1"
port = {port}
scheme = "https"
[api.main]
service = "web-0"
host = "127.0.0.1"
port = {port}
path = "/x"
[external.api]
url = "http://localhost:{port}/"
[external.secure]
url = "https://localhost:{port}/"
[postgres.refused]
service = "postgres"
host = "localhost"
port = {closed}
[mysql.refused]
service = "web-0"
host = "localhost"
port = {closed}
[mysql.no-greeting]
service = "web-0"
host = "localhost"
port = {port}
[rabbitmq.refused]
service = "web-0"
host = "localhost"
port = {closed}
management_port = {port}
[mongodb.main]
service = "web-0"
host = "localhost"
port = {port}
[memcached.main]
service = "web-0"
host = "localhost"
port = {port}
[tcp.main]
service = "web-0"
host = "localhost"
port = {port}
[redis.refused]
service = "redis"
host = "127.0.0.1"
port = {closed}
[redis.tls]
service = "redis"
host = "127.0.0.1"
port = {port}
tls = true
[grafana]
service = "web-0"
host = "127.0.0.1"
port = {port}
dashboards = ["a"]
[prometheus]
service = "web-0"
host = "127.0.0.1"
port = {port}
[alertmanager]
service = "web-0"
host = "127.0.0.1"
port = {port}
[loki]
service = "web-0"
host = "127.0.0.1"
port = {port}
own_logs = '{{a="b"}}'
[tempo]
service = "web-0"
host = "127.0.0.1"
port = {port}
otlp_port = {port}
[backup.db]
path = "/tmp"
"""


@pytest.mark.parametrize(
    "options", [("-m", "verify"), ("-m", "prevent"), ("-m", "triage", "-n", "2")], ids=["verify", "prevent", "workers"]
)
def test_no_module_and_no_logger_is_made_in_a_thread(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "watch.py").write_text(WATCH.format(log=str(tmp_path / "log")))
    with contextlib.ExitStack() as running:
        server = running.enter_context(recording_server(http("200 OK")))
        with socket.create_server(("127.0.0.1", 0)) as closed:
            closed_port = closed.getsockname()[1]
        settings = "[timeouts]\narrival = 1\n" + SETTINGS.format(port=server.port, closed=closed_port)
        stack = running.enter_context(fake_stack(tmp_path, 3, settings))
        run = stack.run(*options, "-p", "watch", modules=tmp_path)
    log = (tmp_path / "log").read_text().splitlines()
    assert "passed" in run.out, run.out
    assert log[0].startswith("watching False")
    assert sorted({line for line in log if not line.startswith("watching")}) == []
