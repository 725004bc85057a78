"""A Docker client that answers as the engine did when a run was recorded."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import utc
from service_down.fixtures.evidence.recording import Recording
from service_down.tests_meta.fake_docker import LABEL

Answers = dict[str, Any]  # question -> answer


@dataclass
class RecordedEngine:
    """The client of an engine that answers as it did when a run was recorded."""

    answers: Answers
    services: Mapping[str, str]  # id of a container -> its service

    def containers(self, all: bool) -> Any:  # noqa: A002  # the client's own word
        return self.answers["/containers/json"]

    def inspect_container(self, key: str) -> Any:
        return copy.deepcopy(self.answers[f"/containers/{key}/json"])

    def inspect_image(self, image: str) -> Any:
        return self.answers[f"/images/{image}/json"]

    def stats(self, key: str, stream: bool, one_shot: bool) -> Any:
        return self.answers[f"/containers/{key}/stats"]

    def info(self) -> Any:
        return self.answers["/info"]

    def version(self) -> Any:
        return self.answers["/version"]

    def networks(self) -> Any:
        return self.answers["/networks"]

    def events(self, **parameters: Any) -> Any:
        return self.answers["/events"]

    def df(self) -> Any:
        return self.answers["/system/df"]


def recorded_engine(recording: Recording) -> RecordedEngine:
    """The engine of a recorded run. What the run did not keep of its answers is made up."""
    view = recording.evidence.observations[ENGINE.id].value
    answers: Answers = {
        "/containers/json": [_listed(found) for found in view["containers"]],
        "/info": {"SystemTime": utc(view["asked"]), "DockerRootDir": view["root"], "NCPU": view["cpus"]},
        "/version": {"Version": view["version"]},
        "/networks": [
            {"Id": key, "Name": f"network-{number}", "Driver": "bridge", "Options": {}, "Labels": {}}
            for number, key in enumerate(view["bridges"])
        ],
        "/events": [_event(event) for event in view["events"]],
        "/system/df": {
            "Images": [{"RepoTags": ["<none>:<none>"], "Containers": 0, "Size": 5}],
            "Containers": [{"State": "exited", "SizeRw": 5}],
            "Volumes": [{"UsageData": {"Size": 5, "RefCount": 0}}],
            "BuildCache": [{"InUse": False, "Size": 5}],
        },
    }
    services = {}
    for found in view["containers"]:
        services[found["Id"]] = found["Config"]["Labels"][f"{LABEL}service"]
        answers[f"/containers/{found['Id']}/json"] = _raw(found)
        answers[f"/images/sha256:{found['Id']}/json"] = {"Id": "sha256:1", "Config": {"Labels": {"a": "b"}}}
        answers[f"/containers/{found['Id']}/stats"] = {
            "read": "2026-11-24T07:25:17.134089534Z",
            "cpu_stats": {"cpu_usage": {"total_usage": 5_000_000}},
            "memory_stats": {"usage": 5_000_000, "stats": {"inactive_file": 1_000}},
        }
    return RecordedEngine(answers, services)


def _raw(found: Mapping[str, Any]) -> dict[str, Any]:
    """A container as the engine inspects it: without what the suite added, and without what the engine leaves out."""
    raw = {key: value for key, value in found.items() if key not in ("Membership", "InspectError")}
    raw["Image"] = f"sha256:{found['Id']}"
    raw["Config"] = {key: value for key, value in found["Config"].items() if value is not None}
    return raw


def _listed(found: Mapping[str, Any]) -> dict[str, Any]:
    bindings = (found["NetworkSettings"]["Ports"] or {}).items()
    return {
        "Id": found["Id"],
        "Names": [found["Name"]],
        "Image": found["Config"]["Image"],
        "ImageID": f"sha256:{found['Id']}",
        "Labels": found["Config"]["Labels"],
        "State": found["State"]["Status"],
        "Ports": [
            {
                "IP": one["HostIp"],
                "PrivatePort": int(inner.split("/")[0]),
                "PublicPort": int(one["HostPort"]),
                "Type": "tcp",
            }
            for inner, ports in bindings
            for one in ports or ()
        ],
        "NetworkSettings": {"Networks": found["NetworkSettings"]["Networks"]},
    }


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    network = event["action"].startswith("network ")
    attributes = {"name": event["network"] or "x", "image": event["image"] or "x"}
    if event["service"]:
        attributes |= {f"{LABEL}service": event["service"]}
    if event["exit"] is not None:
        attributes |= {"exitCode": event["exit"]}
    if event["signal"] is not None:
        attributes |= {"signal": event["signal"]}
    return {
        "Type": "network" if network else "container",
        "Action": event["action"].removeprefix("network "),
        "Actor": {"ID": "n", "Attributes": attributes | {"container": event["id"]}}
        if network
        else {"ID": event["id"], "Attributes": attributes},
        "timeNano": round(event["at"] * 1e9),
    }
