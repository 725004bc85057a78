"""Sends a run's summary to chats, pagers and mailboxes through Apprise: on request only, and without delaying the run.

A URL is a secret: no part of one is shown. Apprise and the libraries under it write URLs into their logs and errors, so
while something is sent their records go to a handler that keeps nothing but an HTTP status.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service_down.fixtures.evidence.own_machine import own_trouble
from service_down.fixtures.evidence.threads import start_thread
from service_down.reports.delivery.files import PAGE
from service_down.reports.history.compare import comparison_text
from service_down.reports.text import inert, unformatted
from service_down.reports.verdict_file import CauseEntry, VerdictFile

SEND_SECONDS = 8.0  # for all receivers together, from the start of sending
MAX_CAUSES = 5
KINDS = {"healthy": "success", "down": "failure"}  # Apprise's, by verdict; all others are warnings
_CURL = re.compile(r"^curl .* -- '?https?://[\w.:/?=&%+~-]+'?", re.ASCII)  # its URL is the settings' own
_FORMATS = re.compile(r"`|~[~\w]|(?<=\w)~|\|\||\*.*\*|(?<![A-Za-z0-9])_.*_(?![A-Za-z0-9])")
_STATUS = re.compile(r"\berror=(\d{3})\b")


@dataclass(frozen=True)
class Message:
    """The message in plain text."""

    title: str
    body: str
    kind: str  # Apprise's: success, warning, failure
    attachment: Path | None = None


def message(verdict: VerdictFile, report: Path | None) -> Message:
    """Return the summary of a run: verdict, causes with the next step of each, escalation, comparison."""
    run, causes = verdict.run, verdict.causes
    parts = ["REPLAY of a recording, nothing live was looked at"] if run.replayed else []
    parts.append(unformatted(verdict.summary))
    parts += [_cause(cause) for cause in causes[:MAX_CAUSES]]
    if len(causes) > MAX_CAUSES:
        parts.append(f"and {len(causes) - MAX_CAUSES} more causes, in the report")
    if verdict.escalate.reasons:
        parts.append(f"ESCALATE: {unformatted(', '.join(verdict.escalate.reasons))}")
    if verdict.compared:
        parts.append(unformatted(f"since {comparison_text(verdict.compared, verdict.started)}"))
    if run.interrupted:
        parts.append("INTERRUPTED: not every check was run")
    if run.scope:
        parts.append(unformatted(f"ONLY {run.scope}"))
    parts.append(f"{verdict.mode} at {verdict.started:%Y-%m-%d %H:%M:%S} UTC")
    name = " · ".join(text for text in (run.stack, run.incident) if text)
    title = f"{'REPLAY: ' if run.replayed else ''}{verdict.verdict.upper()}: {name}"
    return Message(unformatted(title), "\n".join(parts), KINDS.get(verdict.verdict, "warning"), report)


def _cause(cause: CauseEntry) -> str:
    return f"- {unformatted(cause.name)}" + (f"\n  next: {_command(cause.next[0])}" if cause.next else "")


def _command(command: str) -> str:
    """Return the command as it can be pasted, or where it stands: in a chat its names could mention somebody."""
    rest = _CURL.sub("", command)
    return command if inert(rest) == rest and not _FORMATS.search(rest) else f"the first command in {PAGE}"


class _StatusHandler(logging.Handler):
    """Takes every log record and keeps only the HTTP status in it, by thread."""

    def __init__(self) -> None:
        super().__init__()
        self.by_thread: dict[int | None, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the HTTP status of the record, if it has one."""
        with contextlib.suppress(Exception):  # a record that cannot be formatted
            if match := _STATUS.search(record.getMessage()):
                self.by_thread[record.thread] = match[1]


@dataclass
class _Delivery:
    """The delivery to one URL; `outcome` is empty until it is known."""

    name: str  # number of the URL, never a part of it
    outcome: str = ""
    sent: bool = False
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class Notifications:
    """Messages that are being sent, each in a thread of its own: one that hangs cannot keep the process alive."""

    deliveries: list[_Delivery] = field(default_factory=list)
    deadline: float = 0.0  # on the monotonic clock
    log_handlers: list[logging.Handler] = field(default_factory=list)  # to restore

    def results(self) -> list[tuple[str, bool]]:
        """Wait for all until the deadline; return a sentence for each URL, and whether it was sent."""
        with contextlib.suppress(KeyboardInterrupt):  # the verdict is already shown: the user may stop waiting
            for delivery in self.deliveries:
                delivery.done.wait(max(0.0, self.deadline - time.monotonic()))
        late = f"no answer within {SEND_SECONDS:.0f} s; whether it arrived is not known"
        results = [(f"{delivery.name}: {delivery.outcome or late}", delivery.sent) for delivery in self.deliveries]
        if self.deliveries and all(delivery.done.is_set() for delivery in self.deliveries):
            # With a thread that still hangs, the handlers would log its URL in the end.
            logging.getLogger().handlers[:] = self.log_handlers
        return results


def send(urls: Sequence[str], text: Message) -> Notifications:
    """Start to send `text` to every URL, all at once."""
    if not urls:
        return Notifications()
    root, statuses = logging.getLogger(), _StatusHandler()
    notifications = Notifications(deadline=time.monotonic() + SEND_SECONDS, log_handlers=list(root.handlers))
    root.handlers[:] = [statuses]
    warnings.simplefilter("ignore")  # urllib3's name hosts; pytest restores the filters
    for number, url in enumerate(urls, 1):
        delivery = _Delivery("--notify" if len(urls) == 1 else f"--notify number {number}")
        notifications.deliveries.append(delivery)
        try:
            start_thread(_deliver, delivery, url, text, statuses)
        except (RuntimeError, MemoryError) as error:
            delivery.outcome = f"not sent: {own_trouble(error)}"
            delivery.done.set()
    return notifications


def _deliver(delivery: _Delivery, url: str, text: Message, statuses: _StatusHandler) -> None:
    try:
        delivery.sent, delivery.outcome = _notify(delivery, url, text, statuses)
    except ImportError:
        delivery.outcome = f"not sent: Apprise is not installed; pip install apprise, or send {PAGE} by hand"
    except BaseException as error:  # of an Apprise plugin; its text may hold the URL
        delivery.outcome = f"not sent: {type(error).__name__} while sending"
    finally:
        delivery.done.set()


def _notify(delivery: _Delivery, url: str, text: Message, statuses: _StatusHandler) -> tuple[bool, str]:
    """Send to one URL; return whether it was sent, and a sentence on it."""
    import apprise

    receiver = apprise.Apprise.instantiate(url)
    if receiver is None:
        return False, "not sent: this is no URL that Apprise knows (github.com/caronc/apprise lists them)"
    delivery.name += f" ({receiver.service_name})"
    attach = [str(text.attachment)] if text.attachment and receiver.attachment_support else None
    kind, body_format = apprise.NotifyType(text.kind), apprise.NotifyFormat.TEXT
    if receiver.notify(body=text.body, title=text.title, notify_type=kind, body_format=body_format, attach=attach):
        return True, "sent" + (f" with {PAGE}" if attach else "")
    status = statuses.by_thread.get(threading.get_ident())
    return False, f"not sent: {f'it answered HTTP {status}' if status else 'no connection, or it was refused'}"
