"""A run in which whatever a foreign program can choose tries to become markup, a script or a terminal's command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import msgspec

from service_down.fixtures.evidence.recording import Recording
from service_down.fixtures.settings.schema import Endpoint, Host, Settings
from service_down.fixtures.stack.alert import Alert
from service_down.fixtures.stack.model import Model, from_labels
from service_down.tests_meta.pages.copies import Copy, Part, made, part_of, stack_of

RUN = "window.__pwned=1"
NASTY = (
    f"<script>{RUN};alert(1)</script>",
    f'"><img src=x onerror={RUN}>',
    f"</svg><script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</style></title></textarea></noscript><script>{RUN}</script>",
    f"--><script>{RUN}</script><!--",
    f"' onmouseover='{RUN}' autofocus onfocus={RUN} x='",
    'it\'s "quoted" with `backticks` and \\slashes\\',
    "{{ 7*7 }} ${7*7} #{7*7} {% raw %} {service}",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07 \x9b2J",
    "invoice\u202egpj.exe\u202c \u2066isolated\u2069 \u200fmark",
    "nul\x00byte and\rreturn\x08",
    b"broken \xff\xfe utf-8 \xc3\x28".decode(errors="replace"),
    f"javascript:{RUN}",
    "]]> &#x41; &amp; &lt;b&gt; <![CDATA[ <?xml ?>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe><a href=javascript:{RUN}>here</a>",
    "long" * 60,
    "two\nlines\tand\u2028one more",
)


def bundle(recorded: Recording) -> Recording:
    """The hostile run: some services stopped, some unhealthy, some following, all with the nastiest names."""
    parts = list(_parts(recorded))
    plain = stack_of(recorded, parts)
    settings = replace_struct(plain.settings, stack=replace_struct(plain.settings.stack, name=NASTY[1]), host=_host())
    seen = dict(plain.evidence.observations)
    seen["compose"] = replace(seen["compose"], outcome="error", value=None, kind="other", text=" ".join(NASTY))
    for path in settings.host.paths:
        disk = {**seen["disk:/"].value, "path": path, "mount": path, "used_percent": 99.9}
        seen[f"disk:{path}"] = replace(seen["disk:/"], probe=f"disk:{path}", value=disk)
    context = replace(
        plain.evidence.context, incident=NASTY[0] + NASTY[10], stack=NASTY[1], project=NASTY[2], host=NASTY[3]
    )
    alert = Alert(
        NASTY[2], plain.evidence.context.started, True, dict.fromkeys(("service", "job", "instance"), NASTY[4])
    )
    return Recording(
        replace(plain.evidence, context=context, observations=seen),
        settings,
        _model(parts, settings),
        {**plain.options, "compose": f"docker compose -p '{NASTY[0]}'", "alert": asdict(alert)},
    )


def _model(parts: list[Part], settings: Settings) -> Model:
    """By the engine's labels, which may hold anything; what each needs as it is, not as a label can say it."""
    needs = {part.name: part.service.depends_on for part in parts}
    model = from_labels([one for part in parts for one in part.containers], settings, " ".join(NASTY))
    return replace(model, services=tuple(replace(one, depends_on=needs.get(one.name, {})) for one in model.services))


def _host() -> Host:
    return Host(paths=["/" + NASTY[0], "/" + NASTY[1]])


def _parts(recorded: Recording) -> Iterator[Part]:
    stopped, follows, fine = (part_of(recorded, name) for name in ("postgres", "workspace-service", "alertmanager"))
    for index, name in enumerate(NASTY):
        needs = NASTY[max(0, index - 2) : index] if index % 3 else ()
        kind = (stopped, follows, fine)[index % 3]
        yield _said(made(Copy(kind, name, needs)), index)


def _said(part: Part, index: int) -> Part:
    """Everything that its image and its programs can say is nasty, too."""
    nasty = NASTY[(index + 1) % len(NASTY)]
    containers = tuple(_container(one, nasty, unhealthy=index % 6 == 5) for one in part.containers)
    logs = {name: {**log, "lines": _lines()} for name, log in part.seen["logs"].value.items()}
    image = {**part.seen["image"].value, "image": nasty}
    seen = {
        **part.seen,
        "logs": replace(part.seen["logs"], value=logs),
        "image": replace(part.seen["image"], value=image),
    }
    answer = part.answer and replace(part.answer, value={**part.answer.value, "body": nasty + " ".join(NASTY)})
    endpoint = part.endpoint and replace_struct(part.endpoint, path="/" + nasty)
    return replace(part, containers=containers, seen=seen, answer=answer, endpoint=endpoint)


def _lines() -> list[str]:
    return [f"2026-11-23T22:06:00.014517694Z FATAL: out of memory {one}" for one in NASTY]


def _container(container: dict[str, Any], nasty: str, unhealthy: bool) -> dict[str, Any]:
    state = dict(container["State"])
    if unhealthy and state.get("Health"):
        said = [{**one, "ExitCode": 1, "Output": nasty} for one in state["Health"]["Log"]]
        state["Health"] = {"Status": "unhealthy", "FailingStreak": 5, "Log": said}
    if not state["Running"] and "script" in nasty:
        state["Error"] = nasty
    return {**container, "State": state, "Config": {**container["Config"], "Image": nasty}}


def replace_struct(struct: Any, **changes: Any) -> Any:
    """A settings table with other values."""
    return msgspec.structs.replace(struct, **changes)


def half_a_character(recorded: Recording) -> Recording:
    """A health body that names a component by half a surrogate pair: valid JSON that no UTF-8 can hold."""
    part = made(Copy(part_of(recorded, "workspace-service"), "web"))
    assert part.answer is not None
    body = '{"status": "unhealthy", "components": {"half \\ud800": {"status": "unreachable"}}}'
    answer = replace(part.answer, value={**part.answer.value, "status": 200, "body": body})
    endpoint = Endpoint(service="web", port=80, program=None)
    return stack_of(recorded, [replace(part, answer=answer, endpoint=endpoint)])
