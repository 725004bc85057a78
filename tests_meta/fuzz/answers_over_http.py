"""Answers of Prometheus, Alertmanager, Loki, Tempo, Grafana, logins and endpoints.

An input is a JSON list of answers, each a list of status and body; the last one is repeated.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any
from unittest import mock

import msgspec
from hypothesis import strategies as st

from service_down.checks.judges.health_body import bad_components
from service_down.fixtures.clients import http
from service_down.fixtures.clients.http import HttpAnswer
from service_down.fixtures.evidence.limits import limit_texts
from service_down.fixtures.evidence.observation import CannotCheck, ProbeError, ProbeKey
from service_down.fixtures.probes import alertmanager, api, external, grafana, login, loki, prometheus, tempo
from service_down.fixtures.probes.context import ProbeContext
from service_down.fixtures.settings.schema import ServiceLocation, Settings, Timeouts
from service_down.fixtures.stack.model import Model
from service_down.tests_meta.fake_docker import NoAnswers
from service_down.tests_meta.fuzz.target import ODD, Target, changed, must_hide, redactor, texts
from service_down.tests_meta.single_probe import probe_context

HOST, NOW = "127.0.0.1", 1_795_505_118.0
MODEL = Model((), "settings")
Ask = Callable[[ProbeContext], object]


def _answers(data: bytes) -> Iterator[tuple[int, str]]:
    """The answers of an input; none when it is no list of answers."""
    try:
        listed = json.loads(data)
        found = [(int(status), str(body)) for status, body in listed]
    except (ValueError, TypeError, RecursionError):
        return iter(())
    return itertools.chain(found, itertools.repeat(found[-1])) if found else iter(())


def _check(module: ModuleType, key: ProbeKey[Any], ask: Ask, data: bytes) -> None:
    """The probe ends with an error of a kind, with CannotCheck, or with an answer that its checks can read."""
    given, context = _answers(data), probe_context(Settings(timeouts=Timeouts(arrival=0.01)))
    context.redactor.learn_secrets_in({"PASSWORD": "unused-0X9"})

    def fetch(method: str, url: str, seconds: float, **more: Any) -> HttpAnswer:
        try:
            status, body = next(given)
        except StopIteration:
            raise ProbeError("refused", "connection refused", {"url": url}) from None
        return HttpAnswer(url, status, {}, body, cut=False, seconds=0.1)

    with ExitStack() as stack:
        for place in (module, http, prometheus):
            if hasattr(place, "fetch"):
                stack.enter_context(mock.patch.object(place, "fetch", fetch))
        stack.enter_context(mock.patch.object(http, "pause"))
        try:
            answer = ask(context)
        except (ProbeError, CannotCheck) as error:
            must_hide(redactor().redact_text(str(error)))
            return
    shown = redactor().redact_json(limit_texts(msgspec.to_builtins(answer, enc_hook=str)))
    must_hide(shown)
    key.read(shown)


def _location(settings: type[Any], **more: Any) -> Any:
    assert issubclass(settings, ServiceLocation)
    return settings(service="store", host=HOST, port=80, **more)


def _near(sample: Any) -> st.SearchStrategy[str]:
    return changed(sample).map(json.dumps)


_ODD_BODIES = st.sampled_from(ODD).map(json.dumps)


def _inputs(*samples: Any) -> st.SearchStrategy[bytes]:
    """Answers like these: other values in them, other statuses, bodies that were cut off or are no JSON."""
    bodies = [st.one_of(_near(sample), _near(sample), _ODD_BODIES, texts()) for sample in samples]
    statuses = st.sampled_from([200, 200, 200, 200, 204, 301, 401, 404, 429, 500, 503])
    return st.tuples(*(st.tuples(statuses, body) for body in bodies)).map(lambda found: json.dumps(found).encode())


def _target(name: str, module: ModuleType, key: ProbeKey[Any], ask: Ask, *samples: Any) -> Target:
    return Target(name, lambda data: _check(module, key, ask, data), _inputs(*samples))


def _success(**data: Any) -> Any:
    return {"status": "success", "data": data}


_ROW = {"metric": {"job": "a", "instance": "a:80"}, "value": [NOW, "1"]}
_UP = _success(resultType="vector", result=[_ROW, _ROW])
_TARGETS = _success(
    activeTargets=[{"labels": {"job": "a"}, "scrapePool": "a", "health": "up", "lastError": "", "lastScrape": "x"}]
)
_ALERT = {"labels": {"alertname": "A", "service": "web"}, "state": "firing", "activeAt": "2026-11-25T14:00:00Z"}
_ALERTS = _success(alerts=[_ALERT, _ALERT])
_ACTIVE = [{"labels": {"alertname": "A"}, "startsAt": "2026-11-25T14:00:00Z"}]
_LINES = _success(result=[{"stream": {"job": "a"}, "values": [["1795505118000000000", "a line"]]}])
_TRACE = {"batches": [{"resource": {}}], "trace": {"resourceSpans": [{}]}}
_SOURCE = {"name": "Loki", "type": "loki", "uid": "loki", "url": "http://loki:3100"}
_DASHBOARD = {"dashboard": {"title": "Health", "panels": [{}, {}]}, "meta": {}}
_BODY = {"status": "ok", "components": {"db": {"status": "UP"}}, "checks": [{"name": "redis", "status": "pass"}]}

_PROMETHEUS = _location(prometheus.PrometheusSettings)
_ALERTMANAGER = _location(alertmanager.AlertmanagerSettings)
_TEMPO = _location(tempo.TempoSettings)
_API = _location(api.ApiSettings)
_LOKI = _location(loki.LokiSettings, own_logs='{job="a"}')
_GRAFANA = _location(grafana.GrafanaSettings)
_LOGIN = _location(login.LoginSettings, protected_path="/me")
_EXTERNAL = external.ExternalSettings(url="http://127.0.0.1/")
_NOBODY = NoAnswers()


def _health_body(data: bytes) -> None:
    bad_components(data.decode(errors="replace"))


TARGETS = (
    _target("prometheus-targets", prometheus, prometheus.TARGETS,
            lambda context: prometheus.ask_targets(context, MODEL, _PROMETHEUS, _NOBODY), _TARGETS),
    _target("prometheus-up", prometheus, prometheus.UP,
            lambda context: prometheus.ask_up(context, MODEL, _PROMETHEUS, _NOBODY), _UP, _UP),
    _target("prometheus-alerts", prometheus, prometheus.ALERTS,
            lambda context: prometheus.ask_alerts(context, MODEL, _PROMETHEUS, _NOBODY), _ALERTS),
    _target("alertmanager", alertmanager, alertmanager.ALERTS,
            lambda context: alertmanager.ask_alerts(context, MODEL, _ALERTMANAGER, _NOBODY), _ACTIVE),
    _target("loki-line", loki, loki.LINE,
            lambda context: loki.ask_line(context, MODEL, _LOKI, _NOBODY), {}, _LINES),
    _target("loki-own-logs", loki, loki.OWN_LOGS,
            lambda context: loki.ask_own_logs(context, MODEL, _LOKI, _NOBODY), _LINES),
    _target("tempo", tempo, tempo.TRACE,
            lambda context: tempo.ask_trace(context, MODEL, _TEMPO, _NOBODY), {}, _TRACE),
    _target("grafana-dashboard", grafana, grafana.DASHBOARD,
            lambda context: grafana.ask_dashboard(context, MODEL, _GRAFANA, "health", _NOBODY), _DASHBOARD),
    _target("grafana-datasources", grafana, grafana.DATASOURCES,
            lambda context: grafana.ask_datasources(context, MODEL, _GRAFANA, _NOBODY), [_SOURCE, _SOURCE], {}),
    _target("login", login, login.LOGIN,
            lambda context: login.ask_login(context, MODEL, _LOGIN, _NOBODY), {"access_token": "t-1"}, {}),
    _target("api", api, api.API, lambda context: api.ask_api(context, MODEL, _API, _NOBODY), _BODY),
    _target("external", external, external.EXTERNAL,
            lambda context: external.ask_external(context, _EXTERNAL, _NOBODY), _BODY),
    Target("health-body", _health_body, st.one_of(_near(_BODY), texts()).map(
        lambda text: text.encode(errors="replace"))),
)  # fmt: skip
