"""A whole run against a fake of an old server."""

from __future__ import annotations

from pathlib import Path

from service_down.tests_meta import fake_servers
from service_down.tests_meta.fake_stack import fake_stack


def test_a_redis_without_hello_is_healthy(tmp_path: Path) -> None:
    """The server is a fake that answers as a Redis before 6 does: RESP2 only, a password without a user."""
    with fake_stack(tmp_path, 1, redis=fake_servers.redis_of_resp2) as stack:
        run = stack.triage()
        assert (run.code, run.verdict["verdict"]) == (0, "healthy"), run.out
        redis = stack.servers[2]
        assert b"AUTH" in redis.received
        assert redis.secrets_in("r3dis-s3cret") == ["r3dis-s3cret"]
