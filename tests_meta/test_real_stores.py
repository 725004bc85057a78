"""The probes of stores, asked of a real PostgreSQL and a real Redis that stand alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from fixtures.evidence import CannotLook, ProbeError
from fixtures.model import Model
from fixtures.probes.postgres import ask_rows, ask_state
from fixtures.probes.redis import ask_redis
from fixtures.settings import Postgres, Redis, Settings, Timeouts
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
POSTGRES = """
export PATH=/usr/lib/postgresql/15/bin:$PATH
install -d -o postgres /data /run/postgresql
cd /
exec setpriv --reuid=postgres --regid=postgres --init-groups bash -c '
  printf right >/tmp/password
  initdb -D /data/pg -U app --no-sync --auth-local=trust --auth-host=scram-sha-256 --pwfile=/tmp/password >/dev/null
  echo "host postgres app all scram-sha-256" >>/data/pg/pg_hba.conf
  exec postgres -D /data/pg -c listen_addresses="*" -c max_connections=8 -c superuser_reserved_connections=1'
"""


pytestmark = pytest.mark.engine  # beside the other tests that may have to make an engine and an image first


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
    for _ in range(5):  # what comes first, the server's refusal or its end of the connection, is a matter of luck
        with pytest.raises(CannotLook, match="no client certificate"):
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


@pytest.fixture(scope="module")
def postgres(image: str) -> Iterator[str]:
    """The address of a server whose database `postgres` takes the user `app` with the password `right`."""
    ready = "/usr/lib/postgresql/15/bin/pg_isready -q -h 127.0.0.1"
    with container(image, "service-down-test-postgres", POSTGRES, ready) as address:
        yield address


def told(host: str, user: str | None = None, database: str = "postgres", table: str | None = None) -> Postgres:
    return Postgres(service="store", host=host, user=user, database=database, table=table)


def state(to: Postgres, engine: Engine | None = None, **environ: str) -> Any:
    return ask_state(look(Settings(postgres={"main": to}), **environ), STACK, to, engine or Engine({}))


def test_a_postgres_password_proves_something_when_the_user_gave_it(postgres: str) -> None:
    assert state(told(postgres), Engine({"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "right"}))["allowed"] == 8
    with pytest.raises(CannotLook, match="container is refused; export POSTGRES_PASSWORD"):
        state(told(postgres), Engine({"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "of the first start"}))
    with pytest.raises(CannotLook, match="no password for store"):
        state(told(postgres, "app"))
    with pytest.raises(ProbeError) as caught:
        state(told(postgres, "app"), POSTGRES_PASSWORD="wrong")
    assert caught.value.kind == "auth"


def test_an_address_that_is_not_let_in_proves_nothing(postgres: str) -> None:
    with pytest.raises(CannotLook, match="does not let this machine in"):
        state(told(postgres, "app", "template1"), POSTGRES_PASSWORD="right")


def test_the_suites_own_connections_are_not_counted(postgres: str) -> None:
    own = [connect(postgres, f"health-check {number}") for number in range(3)]
    others = [connect(postgres, "app"), connect(postgres, "")]
    try:
        assert state(told(postgres, "app"), POSTGRES_PASSWORD="right")["used"] == len(others)
    finally:
        for connection in (*own, *others):
            connection.close()


def test_a_query_is_read_only_and_ends_by_itself(postgres: str) -> None:
    with connect(postgres, "app") as connection:
        connection.execute("CREATE VIEW slow AS SELECT pg_sleep(30)::text AS slept")
        connection.execute("CREATE SEQUENCE numbers")
        connection.execute("CREATE VIEW writing AS SELECT nextval('numbers') AS number")
        connection.commit()
    for table, words in (("slow", "statement timeout"), ("writing", "read-only transaction")):
        to = told(postgres, "app", table=table)
        settings = Settings(postgres={"main": to}, timeouts=Timeouts(sql=0.5))
        with pytest.raises(ProbeError, match=words):
            ask_rows(look(settings, POSTGRES_PASSWORD="right"), STACK, to, Engine({}))


def connect(host: str, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(host=host, user="app", dbname="postgres", password="right", application_name=name)
