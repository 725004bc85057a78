"""How pytest runs the checks: one test for each target, and all probes started at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict

import msgspec
import pytest

from service_down.checks import own_checks
from service_down.checks.framework.check import AnyTarget, Check, CheckEvidence, CheckFailed, ReportFindings, Target
from service_down.checks.framework.ids import safe_ids
from service_down.checks.framework.wait import Test, wait_until_passing
from service_down.checks.own_checks import RecordedItem, is_own
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.conversion import convert
from service_down.fixtures.evidence.observation import CannotCheck, NeedsSettings
from service_down.fixtures.plugin import run_of
from service_down.fixtures.run import properties
from service_down.fixtures.run.modes import VERIFY
from service_down.fixtures.run.run import Run
from service_down.fixtures.run.run_process import interruptible
from service_down.fixtures.run.xdist import Remote
from service_down.fixtures.text import single_line

JUDGED = pytest.StashKey[bool]()  # set when a check has judged


def check_of(item: pytest.Item | pytest.Function) -> Check | None:
    """The description of a check; None for any other test."""
    marker = item.get_closest_marker("check")
    return marker.args[0] if marker else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrizes each check over its targets; over none where pytest will leave it out, as of another mode."""
    marker = next(metafunc.definition.iter_markers("check"), None)
    run = run_of(metafunc.config)
    if marker is None or run is None:
        return
    check: Check = marker.args[0]
    if metafunc.config.option.markexpr == run.context.mode and run.context.mode not in check.modes:
        metafunc.parametrize("target", [pytest.param(None, id="none")])
        return
    model = run.stack()
    selected = model.needed_by(run.context.services) if run.context.services else None
    known = {service.name for service in model.services}
    targets = [
        target
        for target in check.targets(run.context.settings, model)
        if selected is None or target.service in selected or target.service not in known
    ]
    ids = safe_ids(run.names.get(target.id, target.id) for target in targets)
    parameters = [pytest.param(target, id=name) for target, name in zip(targets, ids, strict=True)]
    if not parameters:
        reason = check.absent if selected is None else "nothing of the kind belongs to --service"
        parameters = [pytest.param(None, id="none", marks=pytest.mark.skip(reason=reason))]
    metafunc.parametrize("target", parameters)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out checks of the user's own: those of services that were not selected, and all of them in a replay.

    A replay shows their recorded results instead.
    """
    run = run_of(config)
    if run is None:
        return
    own = [item for item in items if is_own(item)]
    left_out = [item for item in own if run.recorded_checks is not None or own_checks.is_left_out(item, run)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out] + own_checks.recorded_items(session, run)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts every probe of every selected check."""
    run = run_of(session.config)
    if run is None or session.config.option.collectonly:
        return
    run.source.start(sorted({probe for check, target, _ in _selected(session) for probe in check.probes(target)}))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """With --wait, repeats the probes before the checks run, until all checks would pass or time is up."""
    run = run_of(session.config)
    if (
        run is None
        or run.replayed
        or run.context.mode != VERIFY
        or not run.options.wait
        or session.config.option.collectonly
    ):
        return
    tests = list(_selected(session))
    worker = getattr(session.config, "workerinput", {}).get("workerid")
    if isinstance(run.source, Remote) and worker != "gw0":  # the first worker waits for all
        run.source.wait_for_end(run.options.wait + run.options.budget)
        return
    try:
        if tests:  # the controller of xdist has none
            wait_until_passing(tests, run.source, run.context.mode, run.options.wait, _line_writer(session.config))
    finally:
        if isinstance(run.source, Remote):
            run.source.end_wait()


def _line_writer(config: pytest.Config) -> Callable[[str], None]:
    """A function that writes a line on the terminal. A worker has no terminal."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")

    def write_line(line: str) -> None:
        if reporter is not None and not hasattr(config, "workerinput"):
            reporter.ensure_newline()
            reporter.write_line(single_line(line))
            reporter.flush()

    return write_line


def _selected(session: pytest.Session) -> Iterator[Test]:
    """The selected checks that have a target."""
    for item in session.items:
        check = check_of(item)
        if check is not None and isinstance(item, pytest.Function):
            target = _target(item)
            if target is not None:
                yield check, target, item.obj


def _target(item: pytest.Function) -> AnyTarget | None:
    """The target of a test; None where the stack has none for its check."""
    target = item.callspec.params.get("target") if hasattr(item, "callspec") else None
    return target if isinstance(target, Target) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stores the description of the check with the test's report, before anything can fail."""
    check, run = check_of(item), run_of(item.config)
    if isinstance(item, RecordedItem):
        item.user_properties.append((properties.CHECK, json.dumps(item.description())))
    elif run is not None and is_own(item):
        item.user_properties.append((properties.CHECK, json.dumps(own_checks.description_of(item, run))))
        own_checks.must_be_usable(item, run)
    if check is None or not isinstance(item, pytest.Function):
        return
    target = _target(item)
    names = run.names if run else {}
    description = {
        "id": check.id + (f":{names.get(target.id, target.id)}" if target else ""),
        "service": names.get(target.service, target.service) if target else "stack",
        "runbook": list(check.runbook),
        "only_warns": check.only_warns,
    }
    item.user_properties.append((properties.CHECK, json.dumps(description)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Lets a signal end a check of the user's own, which nothing else bounds."""
    if run_of(item.config) is None or not is_own(item):
        return (yield)
    with interruptible(lambda: CannotCheck("the run was interrupted before this check had ended")):
        return (yield)


@pytest.fixture
def evidence(request: pytest.FixtureRequest, target: AnyTarget) -> CheckEvidence:
    """The observations that the check may judge. Raises CannotCheck, which pytest shows as an error."""
    run = run_of(request.config)
    check = check_of(request.node)
    if run is None or check is None:
        pytest.fail("checks run only through `pytest -m triage`, `pytest -m verify` and `pytest -m prevent`")
    found = CheckEvidence(check, target, run.source, run.context.mode)
    seconds = max(found.times().values(), default=0.0)  # pytest's own figure counts the waiting of the first test
    request.node.user_properties.append((properties.SECONDS, seconds))
    return found


@pytest.fixture
def report_findings(request: pytest.FixtureRequest) -> ReportFindings:
    """Ends the check: stores its findings with the test's report, and fails it unless all of them are warnings."""

    def end(findings: Sequence[Finding], note: str = "") -> None:
        request.node.stash[JUDGED] = True
        if note:
            run = run_of(request.config)
            request.node.user_properties.append((properties.NOTE, run.redact(note) if run else note))
        redacted = [_redacted(run_of(request.config), finding) for finding in findings]
        for finding in redacted:
            request.node.user_properties.append((properties.FINDING, json.dumps(asdict(finding))))
        if any(finding.severity != "warning" for finding in redacted):
            raise CheckFailed(redacted)

    return end


def _redacted(run: Run | None, finding: Finding) -> Finding:
    """The finding, redacted again: it quotes settings, which are no evidence."""
    if run is None:
        return finding
    return convert(run.redact(msgspec.to_builtins(finding)), Finding)


def _is_derived(item: pytest.Function) -> bool:
    """Whether nobody asked for the check: its target was derived."""
    target = _target(item)
    return target is not None and bool(target.origin)


def _without_frames(error: Exception) -> pytest.ExceptionInfo[BaseException]:
    """The error with its last frame only: pytest formats every frame, and thousands of checks may fail at once."""
    last = error.__traceback__
    assert last is not None
    while last.tb_next is not None:
        last = last.tb_next
    return pytest.ExceptionInfo.from_exc_info((type(error), error, last))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows one sentence instead of a traceback for a check that failed or could not judge."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, CannotCheck | CheckFailed):
        call.excinfo = _without_frames(error)
    report = yield
    run = run_of(item.config)
    if run is not None and is_own(item):
        own_checks.judge(item, call, report, run)
    if check_of(item) is None and not isinstance(item, RecordedItem):
        return report
    if error is None:
        if (
            call.when == "call" and check_of(item) and not item.stash.get(JUDGED, False)
        ):  # such as with --trace, where a debugger quits
            report.outcome, report.when = "failed", "setup"
            report.longrepr = f"{properties.CANNOT_CHECK}the check was ended before it judged"
        return report
    if isinstance(error, NeedsSettings) and isinstance(item, pytest.Function) and _is_derived(item):
        reason = f"{properties.NEEDS_SETTINGS}{run.redact(str(error)) if run else error}"
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, reason)
    elif isinstance(error, CannotCheck):
        report.longrepr = f"{properties.CANNOT_CHECK}{run.redact(str(error)) if run else error}"
        report.when = "setup"  # pytest counts it as an error then, not as a failure
    elif isinstance(error, CheckFailed):
        report.longrepr = str(error)
    elif report.failed and call.excinfo:  # a bug of the check: its local variables may hold secrets, cut in half
        shown = call.excinfo.getrepr(style="short", showlocals=False, funcargs=False)
        report.longrepr = run.redact(str(shown)) if run else "crashed"
        report.sections = []
    return report
