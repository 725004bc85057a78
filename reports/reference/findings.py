"""`findings.md`: every finding code, from the catalogue and its decision table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service_down.fixtures.catalog.finding import LAYERS, FindingCode, RaisedBy, catalogue
from service_down.reports.diagnosis.explain import Explanation, explanations
from service_down.reports.reference.markdown import bullets, code, code_block, document, table

FOLLOWERS = "Codes that may follow from another service's finding"
INTRODUCTION = (
    "# Findings",
    "A finding is the conclusion of a check that did not pass. Tools can build on the codes: a code may be added,"
    " never renamed. Words in braces are facts that the check fills in.",
    "Severity: `critical` means that the service is down, `error` that it is impaired. A `warning` fails no check. On"
    " a service that is not critical, `critical` counts as `error`.",
    "On one service, the findings of the lowest layer explain the others. The lines *follows from* and *explains* of a"
    " code are about findings of other services. A finding explains those of a service that depends on its service,"
    " uses it or blames it. A warning explains nothing, unless its"
    " check reports it as an error or a rule raises it. A finding whose evidence names"
    " a reason of its own follows from nothing. A finding of a service that is only impaired explains only services"
    " that blame it, except findings of the same code.",
)
RELATIONS = {
    "needs": "a service that depends on this one",
    "waits": "a service that names this one in its `depends_on`",
    "blamed": "the service that its evidence blames",
}


def findings_document() -> str:
    """Return the document."""
    rows = explanations()
    followers = [row.code for row in rows if row.follows_from]
    return document(
        [
            *INTRODUCTION,
            _overview(rows),
            f"## {FOLLOWERS}",
            _links(followers) + ".",
            *(part for layer in range(len(LAYERS)) for part in _layer(layer, rows)),
        ]
    )


def _overview(rows: Sequence[Explanation]) -> str:
    header = ("code", "severity", "layer", "meaning")
    return table(header, (_overview_row(row, catalogue()[row.code]) for row in rows))


def _overview_row(row: Explanation, entry: FindingCode) -> tuple[str, ...]:
    return _link(row.code), entry.severity, f"{row.layer} {LAYERS[row.layer]}", entry.summary


def _layer(layer: int, rows: Sequence[Explanation]) -> Iterator[str]:
    yield f"## Layer {layer}: {LAYERS[layer]}"
    for row in rows:
        if row.layer == layer:
            yield from _section(row, catalogue()[row.code], rows)


def _section(row: Explanation, entry: FindingCode, rows: Sequence[Explanation]) -> Iterator[str]:
    yield f"### {code(row.code)}"
    yield entry.summary
    yield bullets(f"{name}: {text}" for name, text in _properties(row, entry, rows).items() if text)
    if entry.next:
        yield code_block((_unescaped(command) for command in entry.next), "sh")


def _properties(row: Explanation, entry: FindingCode, rows: Sequence[Explanation]) -> dict[str, str]:
    only_blamed = ", only for services that blame its service" if row.when_blamed else ""
    return {
        "severity": entry.severity,
        "raised to an error by": _raised_by(row.raised_by) if row.raised_by else "",
        "follows from": _codes(row.follows_from, rows) or "nothing",
        "explains": f"{_codes(row.explains, rows)}{only_blamed}" if row.explains else "nothing",
        "shared": f"services with an equal {' or '.join(row.shared_by)} have one cause" if row.shared_by else "",
        "proved by log lines": ", ".join(map(code, entry.log)),
        "escalate": code(row.escalate) if row.escalate else "",
        "runbook": entry.runbook,
        "caution": entry.caution or "",
        "remedy": _unescaped(entry.remedy or ""),
    }


def _raised_by(rule: RaisedBy) -> str:
    codes = _links(rule.codes) or "any error of layers 0 to 4"
    lock = ", where a query waits for a lock that is held" if rule.lock_held else ""
    return f"{codes} of {RELATIONS[rule.relation]}{lock}"


def _codes(codes: Sequence[str], rows: Sequence[Explanation]) -> str:
    """Return the codes as text: whole layers together, the others one by one."""
    if set(codes) == {row.code for row in rows if row.follows_from}:
        return f"[every code that may follow]({_anchor(FOLLOWERS)})"
    layers = {row.layer for row in rows} - {row.layer for row in rows if row.code not in codes}
    others = [row.code for row in rows if row.code in codes and row.layer not in layers]
    whole = f"every code of layers {min(layers)} to {max(layers)}" if layers else ""
    return ", ".join(filter(None, [whole, _links(others)]))


def _links(codes: Sequence[str]) -> str:
    return ", ".join(map(_link, codes))


def _link(name: str) -> str:
    return f"[{code(name)}]({_anchor(name)})"


def _anchor(heading: str) -> str:
    return "#" + heading.lower().replace("'", "").replace(" ", "-")


def _unescaped(command: str) -> str:
    """Return a command of the catalogue with its doubled braces as single ones."""
    return command.replace("{{", "{").replace("}}", "}")
