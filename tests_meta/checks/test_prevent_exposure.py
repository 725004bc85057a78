"""The judges of published ports and of secrets in variables."""

from __future__ import annotations

import pytest

from service_down.checks.judges.set_up import Instance
from service_down.checks.test_prevent_exposure import (
    judge_claims,
    judge_ports,
    judge_variables,
    open_ports,
    stack_with_file,
)
from service_down.fixtures.probes.prevent import SetUp
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model, PublishedPort, Service
from service_down.tests_meta.checks.test_prevent import codes

DB = Service("db")


def at(address: str, port: int = 5432) -> PublishedPort:
    return PublishedPort(address, port, 5432)


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "[::]"])
def test_a_store_that_every_address_publishes_is_told(address: str) -> None:
    opened = open_ports([Instance("db-1", ports=(at(address),))])
    (finding,) = judge_ports(DB, opened, SetUp("postgresql"))
    assert codes([finding]) == ["store-port-open"]
    assert str(finding.remedy).startswith('ports: ["127.0.0.1:5432:5432"]')


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.4"])
def test_one_address_is_not_told(address: str) -> None:
    assert open_ports([Instance("db-1", ports=(at(address),))]) == []


def test_both_families_of_addresses_are_one_port() -> None:
    assert len(open_ports([Instance("db-1", ports=(at("0.0.0.0"), at("::")))])) == 1


@pytest.mark.parametrize("technology", ["", "prometheus", "tools"])
def test_what_is_no_store_may_be_open(technology: str) -> None:
    assert judge_ports(Service("web"), [at("")], SetUp(technology)) == []


@pytest.mark.parametrize("technology", ["redis", "mysql", "mongodb", "rabbitmq", "elasticsearch", "memcached", "etcd"])
def test_each_kind_of_store_counts(technology: str) -> None:
    assert codes(judge_ports(DB, [at("")], SetUp(technology))) == ["store-port-open"]


def test_the_variable_that_the_image_reads_a_file_for_is_named() -> None:
    set_up = SetUp("postgresql", own_image=True, variables=("POSTGRES_PASSWORD",))
    (finding,) = judge_variables(DB, set_up)
    assert codes([finding]) == ["secret-in-environment"]
    assert finding.summary.endswith("shows: POSTGRES_PASSWORD")
    assert str(finding.remedy).startswith("POSTGRES_PASSWORD_FILE: /run/secrets/NAME")


@pytest.mark.parametrize(
    "set_up",
    [
        SetUp("postgresql", own_image=False, variables=("POSTGRES_PASSWORD",)),
        SetUp("postgresql", own_image=True, variables=("API_TOKEN",)),
        SetUp(variables=("POSTGRES_PASSWORD",)),
    ],
)
def test_no_such_variable_is_named_where_the_image_is_not_known_to_read_it(set_up: SetUp) -> None:
    (finding,) = judge_variables(DB, set_up)
    assert "_FILE" not in str(finding.remedy)


def test_a_service_without_secrets_is_not_told() -> None:
    assert judge_variables(DB, SetUp("postgresql", own_image=True)) == []


def publishing(name: str, address: str, port: int = 80, replicas: int = 1) -> Service:
    return Service(name, ports=(PublishedPort(address, port, 80),), replicas=replicas)


@pytest.mark.parametrize(("one", "other"), [("0.0.0.0", "0.0.0.0"), ("0.0.0.0", "127.0.0.1"), ("10.0.0.1", "10.0.0.1")])
def test_a_port_of_two_services_is_told_once(one: str, other: str) -> None:
    (finding,) = judge_claims([publishing("a", one), publishing("b", other)])
    assert codes([finding]) == ["port-claimed-twice"]
    assert finding.summary == "b publishes port 80, and so does a: only one of them can start"


def test_replicas_that_publish_the_same_port_are_told() -> None:
    (finding,) = judge_claims([publishing("a", "", replicas=2)])
    assert finding.summary == "a publishes port 80, and so does each of its 2 replicas: only one of them can start"


def test_ports_that_do_not_clash_are_not_told() -> None:
    assert judge_claims([publishing("a", "10.0.0.1"), publishing("b", "10.0.0.2")]) == []
    assert judge_claims([publishing("a", ""), publishing("b", "", 81)]) == []
    assert judge_claims([publishing("a", ""), publishing("b", "", replicas=0)]) == []


def test_only_a_compose_file_tells_what_is_claimed() -> None:
    assert len(stack_with_file(Settings(), Model((), "compose"))) == 1
    assert stack_with_file(Settings(), Model((), "labels")) == []
