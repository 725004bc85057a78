"""The probes of stores, asked of a real PostgreSQL and a real Redis that stand alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.evidence import CannotLook, ProbeError
from fixtures.model import Model
from fixtures.probes.redis import ask_redis
from fixtures.settings import Redis, Settings
from tests_meta.lab.engine import ensure_engine
from tests_meta.lab.images import ensure_images
from tests_meta.lab.say import LabError, NoEngineError
from tests_meta.lone import Engine, container, look

pytestmark = pytest.mark.engine
STACK = Model((), "settings")
REDIS = """
cd /tmp
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=redis -keyout key.pem -out certificate.pem 2>/dev/null
tls="--port 0 --tls-cert-file certificate.pem --tls-key-file key.pem --tls-ca-cert-file certificate.pem"
redis-server $tls --tls-port 6390 --tls-auth-clients no --requirepass right --save '' --protected-mode no &
redis-server $tls --tls-port 6391 --save '' --protected-mode no &
redis-server --port 6392 --save '' &
redis-server --port 6393 --save '' --requirepass right
"""


@pytest.fixture(scope="module")
def image() -> str:
    """The lab's image, where it has PostgreSQL and Redis in it."""
    try:
        ensure_engine()
        kind, name = ensure_images()
    except NoEngineError as error:
        pytest.skip(f"NO DOCKER ENGINE, so nothing of this was tried: {error}")
    except LabError as error:
        pytest.fail(str(error))
    if kind == "official":
        pytest.skip("the official images hold one server each: this was tried with the image of Debian packages only")
    return name


@pytest.fixture(scope="module")
def redis(image: str) -> Iterator[str]:
    """The address of four servers: TLS, TLS with client certificates, protected mode, a password."""
    ready = "redis-cli -p 6393 -a right --no-auth-warning ping && cd /tmp && redis-cli --tls --insecure -p 6390 ping"
    with container(image, "service-down-test-redis", REDIS, ready) as address:
        yield address


def ask(host: str, port: int, engine: Engine | None = None, *, tls: bool = False, **environ: str) -> Any:
    told = Redis(service="store", host=host, port=port, tls=tls)
    return ask_redis(look(Settings(redis={"main": told}), **environ), STACK, told, engine or Engine({}))


def test_redis_over_tls(redis: str) -> None:
    assert ask(redis, 6390, tls=True, REDIS_PASSWORD="right")["role"] == "master"
    with pytest.raises(CannotLook, match="`tls = true`"):
        ask(redis, 6390, REDIS_PASSWORD="right")
    with pytest.raises(CannotLook, match="client certificate"):
        ask(redis, 6391, tls=True)
    with pytest.raises(CannotLook, match="`tls = true`"):
        ask(redis, 6391)


def test_redis_in_protected_mode_is_not_down(redis: str) -> None:
    with pytest.raises(CannotLook, match="protected mode"):
        ask(redis, 6392)


def test_a_redis_password_proves_something_when_the_user_gave_it(redis: str) -> None:
    assert ask(redis, 6393, Engine({"REDIS_PASSWORD": "right"}))["role"] == "master"
    for engine in (Engine({"REDIS_PASSWORD": "old"}), Engine({}, ("redis-server", "--requirepass", "old"))):
        with pytest.raises(CannotLook, match="is refused; export REDIS_PASSWORD"):
            ask(redis, 6393, engine)
    with pytest.raises(CannotLook, match="no password"):
        ask(redis, 6393)
    with pytest.raises(ProbeError) as caught:
        ask(redis, 6393, REDIS_PASSWORD="old")
    assert caught.value.kind == "auth"
