"""A run in which every text that comes from a foreign program contains markup, scripts or terminal commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import msgspec

from service_down.fixtures.engines.docker.parse import container as parsed_container
from service_down.fixtures.evidence.recording import Recording
from service_down.fixtures.probes.endpoints import EndpointSettings
from service_down.fixtures.settings.schema import Host, Settings
from service_down.fixtures.stack.alert import Alert
from service_down.fixtures.stack.build_model import from_labels
from service_down.fixtures.stack.model import Model
from service_down.tests_meta.pages.synthetic_stack import (
    RecordedService,
    copy_service,
    recorded_service,
    synthetic_recording,
)

SCRIPT = "window.__pwned=1"
HOSTILE_TEXTS = (
    f"<script>{SCRIPT};alert(1)</script>",
    f'"><img src=x onerror={SCRIPT}>',
    f"</svg><script>{SCRIPT}</script>",
    f"</script><script>{SCRIPT}</script>",
    f"</style></title></textarea></noscript><script>{SCRIPT}</script>",
    f"--><script>{SCRIPT}</script><!--",
    f"' onmouseover='{SCRIPT}' autofocus onfocus={SCRIPT} x='",
    'it\'s "quoted" with `backticks` and \\slashes\\',
    "{{ 7*7 }} ${7*7} #{7*7} {% raw %} {service}",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07 \x9b2J",
    "invoice\u202egpj.exe\u202c \u2066isolated\u2069 \u200fmark",
    "nul\x00byte and\rreturn\x08",
    b"broken \xff\xfe utf-8 \xc3\x28".decode(errors="replace"),
    f"javascript:{SCRIPT}",
    "]]> &#x41; &amp; &lt;b&gt; <![CDATA[ <?xml ?>",
    f"<iframe srcdoc='<script>parent.{SCRIPT}</script>'></iframe><a href=javascript:{SCRIPT}>here</a>",
    "long" * 60,
    "two\nlines\tand\u2028one more",
)
CONTROL_TEXT = (
    "\x1b[31mred\x1b]0;title\x07\x9b2J\x85next\u202egpj\u2066iso\u200fmark\u2028line\rreturn\x08\x7f\ufeff\u200b"
    "\U000e0041tag\nFORGED line"
)


def hostile_recording(source: Recording) -> Recording:
    """Return the hostile run: services that are stopped, unhealthy or follow from others, all with hostile names."""
    services = list(_services(source))
    plain = synthetic_recording(source, services)
    host = Host(paths=["/" + HOSTILE_TEXTS[0], "/" + HOSTILE_TEXTS[1]])
    stack = msgspec.structs.replace(plain.settings.stack, name=HOSTILE_TEXTS[1])
    settings = msgspec.structs.replace(plain.settings, stack=stack, host=host)
    observations = dict(plain.evidence.observations)
    observations["compose"] = replace(
        observations["compose"], outcome="error", value=None, kind="other", text=" ".join(HOSTILE_TEXTS)
    )
    for path in settings.host.paths:
        disk = {**observations["disk:/"].value, "path": path, "mount": path, "used_percent": 99.9}
        observations[f"disk:{path}"] = replace(observations["disk:/"], probe=f"disk:{path}", value=disk)
    context = replace(
        plain.evidence.context,
        incident=HOSTILE_TEXTS[0] + HOSTILE_TEXTS[10],
        stack=HOSTILE_TEXTS[1],
        project=HOSTILE_TEXTS[2],
        host=HOSTILE_TEXTS[3],
    )
    alert = Alert(
        HOSTILE_TEXTS[2],
        plain.evidence.context.started,
        True,
        dict.fromkeys(("service", "job", "instance"), HOSTILE_TEXTS[4]),
    )
    return Recording(
        replace(plain.evidence, context=context, observations=observations),
        settings,
        _model(services, settings),
        {**plain.options, "compose": f"docker compose -p '{HOSTILE_TEXTS[0]}'", "alert": asdict(alert)},
    )


def _model(services: list[RecordedService], settings: Settings) -> Model:
    """Return the model from the engine's labels, with the exact dependencies: a label cannot express these names."""
    needs = {service.name: service.service.depends_on for service in services}
    containers = [parsed_container(container) for service in services for container in service.containers]
    model = from_labels(containers, settings, " ".join(HOSTILE_TEXTS))
    return replace(
        model,
        services=tuple(
            msgspec.structs.replace(service, depends_on=needs.get(service.name, {})) for service in model.services
        ),
    )


def _services(source: Recording) -> Iterator[RecordedService]:
    templates = [recorded_service(source, name) for name in ("postgres", "workspace-service", "alertmanager")]
    for index, name in enumerate(HOSTILE_TEXTS):
        needs = HOSTILE_TEXTS[max(0, index - 2) : index] if index % 3 else ()
        yield _with_hostile_texts(copy_service(templates[index % 3], name, needs), index)


def _with_hostile_texts(service: RecordedService, index: int) -> RecordedService:
    """Return the service with hostile texts from its image and its programs."""
    text = HOSTILE_TEXTS[(index + 1) % len(HOSTILE_TEXTS)]
    containers = tuple(
        _hostile_container(container, text, unhealthy=index % 6 == 5) for container in service.containers
    )
    logs = {name: {**log, "lines": _log_lines()} for name, log in service.observations["logs"].value.items()}
    image = {**service.observations["image"].value, "image": text}
    observations = {
        **service.observations,
        "logs": replace(service.observations["logs"], value=logs),
        "image": replace(service.observations["image"], value=image),
    }
    body = text + " ".join(HOSTILE_TEXTS)
    answer = service.answer and replace(service.answer, value={**service.answer.value, "body": body})
    endpoint = service.endpoint and msgspec.structs.replace(service.endpoint, path="/" + text)
    return replace(service, containers=containers, observations=observations, answer=answer, endpoint=endpoint)


def _log_lines() -> list[str]:
    return [f"2026-11-23T22:06:00.014517694Z FATAL: out of memory {text}" for text in HOSTILE_TEXTS]


def _hostile_container(container: dict[str, Any], text: str, unhealthy: bool) -> dict[str, Any]:
    state = dict(container["State"])
    if unhealthy and state.get("Health"):
        log = [{**entry, "ExitCode": 1, "Output": text} for entry in state["Health"]["Log"]]
        state["Health"] = {"Status": "unhealthy", "FailingStreak": 5, "Log": log}
    if not state["Running"] and "script" in text:
        state["Error"] = text
    return {**container, "State": state, "Config": {**container["Config"], "Image": text}}


def recording_with_lone_surrogate(source: Recording) -> Recording:
    """Return a run with half a surrogate pair in a health body: valid JSON that cannot be encoded as UTF-8."""
    service = copy_service(recorded_service(source, "workspace-service"), "web")
    assert service.answer is not None
    body = '{"status": "unhealthy", "components": {"half \\ud800": {"status": "unreachable"}}}'
    answer = replace(service.answer, value={**service.answer.value, "status": 200, "body": body})
    endpoint = EndpointSettings(service="web", port=80, program=None)
    return synthetic_recording(source, [replace(service, answer=answer, endpoint=endpoint)])


def recording_with_control_characters(source: Recording) -> Recording:
    """Return a verification in which every foreign program answers with text that controls a terminal."""
    text = CONTROL_TEXT
    body = {
        "service": "workspace-service",
        "status": "unhealthy",
        "components": {text: {"status": "unreachable", "error": text}},
    }
    alerts = [{"labels": {"alertname": text, "service": "api-gateway"}, "since": "2026-11-24T07:41:16.000Z"}]
    answers: dict[str, dict[str, Any]] = {
        "alertmanager:alerts": {"alerts": alerts},
        "prometheus:alerts": {"alerts": alerts},
        "http:workspace": {"body": json.dumps(body)},
        "tempo:trace": {"detail": text},
    }
    observations = dict(source.evidence.observations)
    for probe, values in answers.items():
        observations[probe] = replace(observations[probe], value={**observations[probe].value, **values})
    targets, datasources = observations["prometheus:targets"], observations["grafana:datasources"]
    down = [{**target, "health": "down", "error": text} for target in targets.value["targets"]]
    observations["prometheus:targets"] = replace(targets, value={**targets.value, "targets": down})
    broken = [{**datasource, "name": text, "http": 500, "message": text} for datasource in datasources.value]
    observations["grafana:datasources"] = replace(datasources, value=broken)
    observations["compose:hashes"] = replace(observations["compose:hashes"], outcome="unlooked", value=None, text=text)
    for probe in ("external:airtable", "redis:main", "backup:monitoring"):
        observations[probe] = replace(observations[probe], outcome="unlooked", value=None, text=text)
    for probe in ("login:gateway", "postgres:main"):
        observations[probe] = replace(observations[probe], outcome="error", value=None, kind="protocol", text=text)
    for probe in [probe for probe in observations if probe.startswith("logs:")]:
        logs = observations[probe].value
        lines = [f"2026-11-24T07:41:16.000000000Z FATAL: out of memory {text}"]
        observations[probe] = replace(
            observations[probe], value={name: {**log, "lines": lines} for name, log in logs.items()}
        )
    return replace(source, evidence=replace(source.evidence, observations=observations))
