"""What every run needs to know before it can call anything fine."""

from __future__ import annotations

from typing import Any

import pytest

import service_down.checks.test_setup as checks_of_setup
from service_down.checks.framework.check import Target
from service_down.checks.judges.config_drift import drifted
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.settings.schema import Endpoint, Settings
from service_down.fixtures.stack.model import Model, Service, from_compose
from service_down.tests_meta.offline import recorded_container

SEEN: Any = None  # the check asks nothing


def test_a_stack_without_services_is_not_fine() -> None:
    nobody = Target("stack", "stack", None, Model((), "labels", "no compose file is named"), Settings())
    with pytest.raises(CannotCheck, match=r"no service of this stack is known \(no compose file is named\)"):
        checks_of_setup.test_services(nobody, SEEN, lambda found: None)
    said: list[Any] = []
    somebody = Target("stack", "stack", None, Model((Service("web"),), "labels"), Settings())
    checks_of_setup.test_services(somebody, SEEN, said.append)
    assert said == [[]]


def test_the_model_knows_who_must_keep_running() -> None:
    table = {
        "services": {
            "web": {"depends_on": {"db": {"condition": "service_healthy"}, "seed": {"condition": COMPLETED}}},
            "db": {},
            "seed": {},
            "api": {"depends_on": {"extra": {"condition": "service_started", "required": False}}},
        }
    }
    model = from_compose(table, Settings(endpoints={"api": Endpoint(service="api", port=80)}), [])
    assert {one.name for one in model.services if one.leaned_on} == {"db", "api"}
    assert {one.name for one in model.services if one.optional} == {"api"}


COMPLETED = "service_completed_successfully"


@pytest.mark.parametrize(
    ("service", "mode", "said"),
    [
        (Service("ok"), "hvdemo_default", True),
        (Service("ok"), "container:1f2e", None),
        (Service("ok", optional=True), "hvdemo_default", None),
    ],
)
def test_a_hash_of_something_else_than_the_file_is_no_drift(service: Service, mode: str, said: bool | None) -> None:
    container = recorded_container("hvdemo-ok-1")
    container["HostConfig"]["NetworkMode"] = mode
    container["Config"]["Labels"] |= {
        "com.docker.compose.config-hash": "abc",
        "com.docker.compose.version": "2.26.1",
    }
    hashes = Observation("compose:hashes", "seen", {"version": "2.26.1-4", "hashes": {"ok": "def"}})
    assert drifted(service, container, hashes) is said
