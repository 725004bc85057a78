"""From findings to causes: what follows from what, and what stands by itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.stack.alert import Alert
from service_down.fixtures.stack.model import Model, Service
from service_down.reports.diagnosis.diagnose import DiagnosisContext, diagnose
from service_down.reports.verdict import CheckOutcome, CheckResult, Verdict

NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
MODEL = Model(
    (
        Service("gateway", depends_on={"auth": "service_healthy", "redis": "service_healthy"}),
        Service("auth", depends_on={"postgres": "service_healthy"}),
        Service("postgres"),
        Service("redis"),
        Service("grafana", critical=False, depends_on={"loki": "service_started"}),
        Service("loki", critical=False),
    ),
    "compose",
)
PROOF = (Proof("State.ExitCode", "1"),)
CONTEXT = DiagnosisContext(MODEL, {"auth": frozenset({"airtable"})}, {}, "docker compose -p p", "p", NOW)


def failed(*findings: Finding) -> list[CheckResult]:
    return [
        CheckResult(f"{finding.code}:{finding.service}", finding.service, ("2.df",), "failed", findings=(finding,))
        for finding in findings
    ]


def other(outcome: CheckOutcome, name: str = "x") -> CheckResult:
    return CheckResult(name, "postgres", ("2.df",), outcome, message="why")


def causes(verdict: Verdict) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(cause.service, cause.code, cause.blocks) for cause in verdict.causes]


def test_a_chain_has_one_cause() -> None:
    verdict = diagnose(
        failed(
            finding("endpoint-error", "gateway"),
            finding("healthcheck-failing", "auth"),
            finding("db-unreachable", "postgres"),
            finding("oom-killed", "postgres"),
        ),
        CONTEXT,
    )
    assert causes(verdict) == [("postgres", "oom-killed", ("auth", "gateway"))]
    assert verdict.word == "down"
    assert "only follow" in verdict.summary


def test_a_cause_without_a_time_has_begun_before_its_first_effect() -> None:
    early, late = "2026-11-23T20:40:00Z", "2026-11-23T20:50:00Z"
    timeless = finding("redis-auth-failed", "redis", proof=PROOF)
    names_it = finding("endpoint-error", "gateway", blamed=["redis"], since=late)
    unhealthy = finding("healthcheck-failing", "gateway", since=early)
    (cause,) = diagnose(failed(timeless, names_it, unhealthy), CONTEXT).causes
    assert (cause.service, cause.since) == ("redis", early)
    assert Proof("first known effect: gateway", "healthcheck-failing", early) in cause.proof
    (own,) = diagnose(failed(replace(timeless, since=late), names_it, unhealthy), CONTEXT).causes
    assert own.since == late
    (alone,) = diagnose(failed(timeless), CONTEXT).causes
    assert alone.since is None
    alerted = replace(CONTEXT, alert=Alert("ServiceDown", early, True), alert_service="redis")
    assert diagnose(failed(timeless), alerted).causes[0].since == early
    assert diagnose(failed(timeless), replace(alerted, alert_service="auth")).causes[0].since is None


def test_the_cause_of_the_alert_stands_first_among_its_like() -> None:
    found = failed(
        finding("container-stopped", "postgres"), finding("endpoint-error", "auth"), finding("oom-killed", "redis")
    )
    usual = diagnose(found, CONTEXT)
    alerted = diagnose(found, replace(CONTEXT, alert=Alert("ServiceDown", None, True), alert_service="redis"))
    assert [cause.service for cause in usual.causes] == ["postgres", "redis"]
    assert [cause.service for cause in alerted.causes] == ["redis", "postgres"]


def test_independent_faults_stay_separate() -> None:
    verdict = diagnose(failed(finding("container-stopped", "redis"), finding("oom-killed", "postgres")), CONTEXT)
    assert {(cause.service, cause.code) for cause in verdict.causes} == {
        ("redis", "container-stopped"),
        ("postgres", "oom-killed"),
    }


def test_a_dependent_with_a_fault_of_its_own_is_a_cause() -> None:
    verdict = diagnose(failed(finding("container-stopped", "postgres"), finding("oom-killed", "auth")), CONTEXT)
    assert {cause.service for cause in verdict.causes} == {"postgres", "auth"}


def test_what_depends_on_a_broken_thing_without_being_broken_is_not_listed() -> None:
    verdict = diagnose(failed(finding("container-stopped", "postgres")), CONTEXT)
    assert verdict.causes[0].blocks == ()


def test_a_fault_in_the_middle_of_a_chain() -> None:
    verdict = diagnose(failed(finding("endpoint-error", "gateway"), finding("container-paused", "auth")), CONTEXT)
    assert causes(verdict) == [("auth", "container-paused", ("gateway",))]


def test_the_body_may_blame_what_the_model_does_not_know() -> None:
    verdict = diagnose(
        failed(finding("endpoint-error", "loki", blamed=["redis"]), finding("container-stopped", "redis")), CONTEXT
    )
    assert causes(verdict) == [("redis", "container-stopped", ("loki",))]


def test_an_external_system_explains_who_uses_it() -> None:
    verdict = diagnose(
        failed(finding("endpoint-error", "auth"), finding("external-unreachable", "airtable", error="x")), CONTEXT
    )
    assert causes(verdict) == [("airtable", "external-unreachable", ("auth",))]


def test_one_bad_image_of_two_services_is_one_cause_of_the_stack() -> None:
    verdict = diagnose(
        failed(
            finding("wrong-architecture", "auth", image="app:2", proof=PROOF),
            finding("wrong-architecture", "redis", image="app:2", proof=PROOF),
            finding("endpoint-error", "gateway"),
        ),
        CONTEXT,
    )
    assert causes(verdict) == [("stack", "wrong-architecture", ("auth", "gateway", "redis"))]
    assert verdict.word == "down"
    apart = diagnose(
        failed(finding("bad-command", "auth", image="a:1"), finding("bad-command", "redis", image="b:1")), CONTEXT
    )
    assert {cause.service for cause in apart.causes} == {"auth", "redis"}


def test_our_own_wrong_password_explains_only_who_names_its_service() -> None:
    ours = finding("redis-auth-failed", "redis")
    silent = diagnose(failed(ours, finding("endpoint-error", "gateway")), CONTEXT)
    assert {cause.service for cause in silent.causes} == {"redis", "gateway"}
    named = diagnose(failed(ours, finding("endpoint-error", "gateway", blamed=["redis"])), CONTEXT)
    assert causes(named) == [("redis", "redis-auth-failed", ("gateway",))]


def test_a_full_disk_explains_who_complains_of_it() -> None:
    crash = finding("crash-loop", "postgres", blamed=["host"])
    verdict = diagnose(failed(crash, finding("disk-full", "host"), finding("endpoint-error", "auth")), CONTEXT)
    assert causes(verdict) == [("host", "disk-full", ("auth", "postgres"))]


def test_a_reason_of_its_own_follows_from_nobody() -> None:
    broken = replace(finding("crash-loop", "auth"), own_reason=True)
    verdict = diagnose(failed(broken, finding("container-stopped", "postgres")), CONTEXT)
    assert {cause.service for cause in verdict.causes} == {"auth", "postgres"}


def test_what_is_only_impaired_explains_who_blames_it() -> None:
    impaired = replace(finding("container-missing", "auth", severity="error", count="only 1 of its 3"), impaired=True)
    silent = diagnose(failed(impaired, finding("endpoint-error", "gateway")), CONTEXT)
    assert [(cause.service, cause.severity) for cause in silent.causes] == [("gateway", "critical"), ("auth", "error")]
    hangs = replace(finding("endpoint-timeout", "auth", severity="error"), impaired=True)
    alike = diagnose(failed(hangs, finding("endpoint-timeout", "gateway")), CONTEXT)
    assert causes(alike) == [("auth", "endpoint-timeout", ("gateway",))]
    blamed = diagnose(failed(impaired, finding("endpoint-error", "gateway", blamed=["auth"])), CONTEXT)
    assert causes(blamed) == [("auth", "container-missing", ("gateway",))]


def test_what_still_starts_is_the_cause_of_those_who_wait_for_it() -> None:
    starting = finding("healthcheck-starting", "postgres", what="for a minute")
    waits = finding("dependency-blocked", "auth", waits="postgres (healthy)")
    verdict = diagnose(failed(waits, starting), CONTEXT)
    assert causes(verdict) == [("postgres", "healthcheck-starting", ("auth",))]
    assert (verdict.word, verdict.warnings) == ("down", ())
    alone = diagnose(failed(finding("endpoint-error", "gateway"), starting), CONTEXT)
    assert [cause.service for cause in alone.causes] == ["gateway"]
    assert [warning.code for warning in alone.warnings] == ["healthcheck-starting"]


def test_a_held_lock_is_the_cause_of_who_hangs_meanwhile() -> None:
    locked = finding("db-slow", "postgres", lock_held=True, what="3 queries wait for a lock")
    verdict = diagnose(failed(locked, finding("endpoint-timeout", "auth")), CONTEXT)
    assert causes(verdict) == [("postgres", "db-slow", ("auth",))]
    assert verdict.word == "down"
    crash = diagnose(failed(locked, finding("crash-loop", "auth")), CONTEXT)
    assert [cause.service for cause in crash.causes] == ["auth"]
    alone = diagnose(failed(locked, finding("endpoint-timeout", "loki")), CONTEXT)
    assert [cause.service for cause in alone.causes] == ["loki"]
    assert [warning.code for warning in alone.warnings] == ["db-slow"]


def test_errors_about_a_peer_follow_where_that_has_failed() -> None:
    complains = finding("peer-errors", "grafana", blamed=["redis"], peers="redis", what="refused")
    verdict = diagnose(failed(finding("container-stopped", "redis"), complains), CONTEXT)
    assert causes(verdict) == [("redis", "container-stopped", ("grafana",))]
    assert {service.name: service.state for service in verdict.services}["grafana"] == "blocked"
    alone = diagnose(failed(complains), CONTEXT)
    assert (alone.causes, [warning.code for warning in alone.warnings]) == ((), ["peer-errors"])


def test_a_warning_that_says_less_than_the_failure_is_not_repeated() -> None:
    flapping = finding("healthcheck-flapping", "auth", severity="warning", count=1, total=5)
    assert diagnose(failed(flapping, finding("endpoint-error", "auth")), CONTEXT).warnings == ()
    assert [warning.code for warning in diagnose(failed(flapping), CONTEXT).warnings] == ["healthcheck-flapping"]


def test_what_was_not_run_is_not_fine() -> None:
    verdict = diagnose([other("passed")], replace(CONTEXT, missing=3))
    assert verdict.word == "unknown"
    assert {service.state for service in verdict.services} == {"ok", "unknown"}


def test_a_blocked_critical_service_is_down_whoever_is_to_blame() -> None:
    model = Model(
        (Service("web", depends_on={"seed": "service_completed_successfully"}), Service("seed", critical=False)),
        "compose",
    )
    context = DiagnosisContext(model, {}, {}, "docker compose", "p", NOW)
    verdict = diagnose(failed(finding("one-shot-failed", "seed"), finding("dependency-blocked", "web")), context)
    assert verdict.word == "down"
    assert [(cause.service, cause.severity) for cause in verdict.causes] == [("seed", "critical")]


def test_an_alert_is_judged() -> None:
    down = failed(finding("container-stopped", "redis"))
    context = replace(CONTEXT, alert=Alert("ServiceDown", "2026-11-23T20:00:00Z", True, {"service": "redis"}))
    assert diagnose(down, replace(context, alert_service="redis")).reasons == ("down-over-30-min",)
    judged = {name: diagnose(down, replace(context, alert_service=name)).alert for name in ("redis", "postgres", None)}
    assert [alert.state if alert else None for alert in judged.values()] == ["true", "unknown", "unknown"]
    recovered = diagnose([other("passed")], replace(context, alert_service="postgres", recovering=True)).alert
    assert recovered is not None
    assert recovered.state == "over"
    nothing_wrong = diagnose([other("passed")], context).alert
    assert nothing_wrong is not None
    assert (nothing_wrong.state, "phantom" in nothing_wrong.why) == ("false", True)


def test_an_effect_explains_nothing() -> None:
    verdict = diagnose(failed(finding("logs-not-arriving", "loki"), finding("endpoint-error", "grafana")), CONTEXT)
    assert {cause.service for cause in verdict.causes} == {"grafana", "loki"}


def test_a_circle_of_followers_still_has_a_cause() -> None:
    model = Model((Service("a", depends_on={"b": "x"}), Service("b", depends_on={"a": "x"})), "compose")
    context = DiagnosisContext(model, {}, {}, "docker compose", "p", NOW)
    verdict = diagnose(failed(finding("endpoint-error", "a"), finding("endpoint-error", "b")), context)
    assert {cause.service for cause in verdict.causes} == {"a", "b"}


@pytest.mark.parametrize(
    ("results", "word"),
    [
        ([other("passed")], "healthy"),
        ([other("warned")], "healthy"),
        ([other("passed"), other("unknown", "y")], "unknown"),
        ([other("skipped")], "unknown"),
        ([], "unknown"),
        (failed(finding("container-stopped", "loki")), "degraded"),
        (failed(finding("redis-auth-failed", "redis")), "degraded"),
        ([*failed(finding("redis-auth-failed", "redis")), other("unknown", "y")], "unknown"),
        ([*failed(finding("container-stopped", "redis")), other("unknown", "y")], "down"),
        (failed(finding("disk-full", "host")), "degraded"),
        (failed(finding("disk-full", "host"), finding("crash-loop", "auth", blamed=["host"])), "down"),
    ],
    ids=["fine", "warned", "unlooked", "skipped", "nothing", "minor", "our-login", "worse", "down", "disk", "by-disk"],
)
def test_the_verdict_is_the_worst_of_its_parts(results: Sequence[CheckResult], word: str) -> None:
    assert diagnose(results, CONTEXT).word == word


def test_the_order_of_the_checks_never_matters() -> None:
    results = failed(
        finding("endpoint-error", "gateway"),
        finding("container-stopped", "postgres"),
        finding("endpoint-error", "auth"),
    )
    assert len({str(diagnose(list(order), CONTEXT)) for order in itertools.permutations(results)}) == 1


def test_reasons_to_escalate() -> None:
    long_ago = (NOW - timedelta(minutes=31)).isoformat()
    lately = (NOW - timedelta(minutes=29)).isoformat()
    assert diagnose(failed(finding("container-stopped", "redis", since=lately)), CONTEXT).reasons == ()
    assert diagnose(failed(finding("container-stopped", "redis", since=long_ago)), CONTEXT).reasons == (
        "down-over-30-min",
    )
    assert diagnose(failed(finding("db-corrupt", "postgres")), CONTEXT).reasons == ("data-corruption-suspected",)
    assert diagnose([other("passed")], replace(CONTEXT, breach=True)).reasons == ("security-breach-suspected",)
    both = failed(finding("oom-killed", "redis"), finding("oom-killed", "postgres"))
    assert diagnose(both, CONTEXT).reasons == ("multiple-critical-services",)


def test_next_commands_can_be_pasted() -> None:
    cause = diagnose(failed(finding("container-stopped", "redis")), CONTEXT).causes[0]
    assert cause.next[-1] == "docker compose -p p start -- redis"
    assert cause.caution


def test_an_alert_about_a_target_that_cannot_be_scraped_only_follows() -> None:
    down, alert = finding("target-down", "redis"), finding("alerts-firing", "grafana", blamed=["redis"])
    assert causes(diagnose(failed(down, alert), CONTEXT)) == [("redis", "target-down", ("grafana",))]
    error = finding("endpoint-error", "gateway", blamed=["redis"])
    assert len(diagnose(failed(down, error), CONTEXT).causes) == 2, "that nobody scrapes it does not make others fail"


def test_what_can_only_warn_hides_nothing_that_is_down() -> None:
    blind = CheckResult("config-drift:redis", "redis", (), "unknown", message="why", only_warns=True)
    assert diagnose([*failed(finding("backup-stale", "host")), blind], CONTEXT).word == "degraded"
    assert diagnose([other("passed"), blind], CONTEXT).word == "unknown", "not looked at is not healthy"
    assert diagnose([*failed(finding("backup-stale", "host")), other("unknown")], CONTEXT).word == "unknown"


SET_UP = replace(CONTEXT, only_set_up=True)


def test_a_run_that_looks_at_the_set_up_only_says_so_and_knows_no_state() -> None:
    warnings = [finding("restart-policy-missing", name, policy="no") for name in ("auth", "redis")]
    results = [CheckResult(f"x:{found.service}", found.service, (), "warned", findings=(found,)) for found in warnings]
    verdict = diagnose([*results, other("passed")], SET_UP)
    assert (verdict.word, verdict.causes) == ("healthy", ())
    assert verdict.summary == (
        "2 things to improve, in 2 of 6 services; whether the services work was not looked at (pytest -m triage)"
    )
    assert {state.state for state in verdict.services} == {"unknown"}
    assert diagnose([other("passed")], SET_UP).summary.startswith("nothing to improve in what 1 check looked at; ")
    assert diagnose([*results[:1], other("passed")], SET_UP).summary.startswith("1 thing to improve, in 1 of 6")


def test_what_could_not_be_looked_at_is_said_beside_what_to_improve() -> None:
    unlooked = replace(other("unknown"), only_warns=True)
    verdict = diagnose([unlooked, other("passed", "y")], SET_UP)
    assert verdict.word == "unknown"
    assert "1 of 2 checks could not look (x: why)" in verdict.summary


def test_how_the_stack_is_set_up_says_nothing_of_an_alert() -> None:
    firing = Alert("ServiceDown", None, True, {"service": "redis"})
    for service in ("redis", None):
        context = replace(SET_UP, alert=firing, alert_service=service)
        assessment = diagnose([other("passed")], context).alert
        assert assessment is not None
        assert assessment.state == "unknown"


def test_a_failing_check_of_the_users_own_is_no_warning_in_a_run_of_prevent() -> None:
    verdict = diagnose([*failed(finding("endpoint-error", "gateway")), other("passed")], SET_UP)
    assert verdict.summary == verdict.causes[0].summary
    states = {state.name: state.state for state in verdict.services}
    assert (states["gateway"], states["redis"]) == ("down", "unknown")
