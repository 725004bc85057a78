"""RabbitMQ: it greets, lets everybody publish, is one cluster, and its queues are consumed (runbook 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from service_down.checks.framework.check import AnyKey, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.rabbitmq import (
    GREETING,
    MANAGEMENT,
    TABLE,
    RabbitmqGreeting,
    RabbitmqSettings,
    RabbitmqState,
)
from service_down.fixtures.probes.subject import size_text

ABSENT = "stack.toml has no [rabbitmq.*]"


def _greeting(target: Target[RabbitmqSettings]) -> Sequence[AnyKey]:
    return (GREETING.of(target.id),)


def _management(target: Target[RabbitmqSettings]) -> Sequence[AnyKey]:
    return (MANAGEMENT.of(target.id),)


@check("rabbitmq", runbook=("3.dependencies",), targets=entries_of(TABLE), judges_errors_of=_greeting, absent=ABSENT)
def test_rabbitmq(target: Target[RabbitmqSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server greets as AMQP does."""
    report_findings(judge_greeting(target.service, evidence[GREETING.of(target.id)]))


def judge_greeting(service: str, observation: Observation[RabbitmqGreeting]) -> list[Finding]:
    """`rabbitmq-unreachable` for an error."""
    if observation.value is not None:
        return []
    proof = Proof(f"AMQP of {service}", observation.error_text, observation.at)
    return [finding("rabbitmq-unreachable", service, proof=[proof], error=observation.text)]


@check(
    "rabbitmq-state",
    runbook=("3.dependencies",),
    targets=entries_of(TABLE),
    judges_errors_of=_management,
    uses=_greeting,
    absent=ABSENT,
)
def test_rabbitmq_state(
    target: Target[RabbitmqSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """No alarm blocks publishers, no node is cut off, and no queue grows that nobody consumes."""
    if evidence.value(GREETING.of(target.id)) is None:
        pytest.skip(f"not judged: {target.service} does not answer")
    report_findings(judge_state(target.service, target.spec, evidence[MANAGEMENT.of(target.id)]))


def judge_state(service: str, server: RabbitmqSettings, observation: Observation[RabbitmqState]) -> list[Finding]:
    """The findings of the nodes and the queues, or the one of an API that does not answer.

    Raises Skipped where the management API is switched off.
    """
    state, at, text = observation.value, observation.at, observation.text
    if state is None:
        code = "rabbitmq-auth-failed" if observation.kind == "auth" else "rabbitmq-management-failed"
        proof = Proof(f"management API of {service}", observation.error_text, at)
        return [finding(code, service, proof=[proof], facts={"error": text, "variable": server.password_env})]
    if not state.available:
        pytest.skip(f"not judged: {service} has no management API")
    return [*_of_nodes(service, state, at), *_of_queues(service, state, at)]


def _of_nodes(service: str, state: RabbitmqState, at: str) -> Iterator[Finding]:
    for node in state.nodes:
        memory = f"its memory is full ({size_text(node.used_memory)} of {size_text(node.memory_limit)})"
        disk = f"its disk is nearly full ({size_text(node.free_disk)} free)"
        for alarm, field, why in ((node.memory_alarm, "mem_alarm", memory), (node.disk_alarm, "disk_free_alarm", disk)):
            if alarm:
                proof = Proof(f"{node.name} {field}", "true", at)
                yield finding("rabbitmq-blocks-publishers", service, proof=[proof], what=f"{node.name}: {why}")
        if node.partitions or not node.running:
            cut_off = f"cannot see {', '.join(node.partitions)}" if node.partitions else "does not run"
            proof = Proof(f"{node.name} partitions", ", ".join(node.partitions) or "running = false", at)
            yield finding("rabbitmq-partitioned", service, proof=[proof], what=f"{node.name} {cut_off}")


def _of_queues(service: str, state: RabbitmqState, at: str) -> Iterator[Finding]:
    for queue in state.queues:
        if queue.messages and not queue.consumers and queue.growth.rate > 0:
            what = (
                f"nobody consumes the queue {queue.name} of {queue.vhost}, which holds {queue.messages} messages and"
                f" grows by {queue.growth.rate:.1f}/s"
            )
            proof = Proof(f"queue {queue.name}", f"{queue.messages} messages, 0 consumers", at)
            yield finding("rabbitmq-queue-grows", service, proof=[proof], what=what)
