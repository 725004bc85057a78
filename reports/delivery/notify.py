"""Sends a run's summary to chats, pagers and mailboxes through Apprise: only where asked, never in the run's way.

A URL is a secret: nothing here shows any part of one. Apprise and the libraries under it write URLs into their logs
and errors, so while something is sent their records go to a handler that keeps nothing but an HTTP status.
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

from service_down.reports.delivery.terminal import since_then
from service_down.reports.history.compare import Comparison
from service_down.reports.history.saved_run import SavedRun
from service_down.reports.text import single_line

SECONDS = 8.0  # that all receivers together have, from the start of sending
MOST_CAUSES = 5
_STATUS = re.compile(r"\berror=(\d{3})\b")


@dataclass(frozen=True)
class Message:
    """What is sent, in plain text."""

    title: str
    body: str
    kind: str  # Apprise's: success, warning, failure
    attachment: Path | None = None


def message(now: SavedRun, compared: Comparison | None, report: Path | None) -> Message:
    """The summary of a run: verdict, causes with the next step of each, escalation, comparison."""
    run = now.run
    about = " · ".join(text for text in (run.stack, run.incident) if text)
    replay = "REPLAY of a recording, nothing live was looked at" if run.replayed else ""
    parts = [replay, now.summary, *(_cause(cause.name, cause.next) for cause in now.causes[:MOST_CAUSES])]
    if len(now.causes) > MOST_CAUSES:
        parts.append(f"and {len(now.causes) - MOST_CAUSES} more causes, in the report")
    if now.escalate.reasons:
        parts.append(f"ESCALATE: {', '.join(now.escalate.reasons)}")
    if compared:
        parts.append(f"since {since_then(compared, now.at)}")
    if run.interrupted:
        parts.append("INTERRUPTED: not every check was run")
    if run.scope:
        parts.append(f"ONLY {run.scope}")
    parts.append(f"{now.mode} at {now.at:%Y-%m-%d %H:%M:%S} UTC")
    kind = {"healthy": "success", "down": "failure"}.get(now.verdict, "warning")
    title = f"{'REPLAY: ' if run.replayed else ''}{now.verdict.upper()}: {about}"
    body = "\n".join(single_line(line) for part in parts for line in part.split("\n") if line)
    return Message(single_line(title), body, kind, report)


def _cause(name: str, commands: Sequence[str]) -> str:
    return f"- {name}" + (f"\n  next: {commands[0]}" if commands else "")


class _Statuses(logging.Handler):
    """Takes every record and keeps only the HTTP statuses that were answered, by thread."""

    def __init__(self) -> None:
        super().__init__()
        self.by_thread: dict[int | None, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the status that the record tells of."""
        with contextlib.suppress(Exception):  # a record that cannot be read is nobody's trouble here
            if found := _STATUS.search(record.getMessage()):
                self.by_thread[record.thread] = found[1]


@dataclass
class _Delivery:
    """One URL under way; `outcome` is empty as long as nothing is known."""

    name: str  # which of the URLs, never what it holds
    outcome: str = ""
    sent: bool = False


@dataclass
class Sending:
    """Messages under way, each in a daemon thread: one that hangs cannot hold the process."""

    deliveries: list[_Delivery] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    until: float = 0.0
    kept: list[logging.Handler] = field(default_factory=list)

    def results(self) -> list[tuple[str, bool]]:
        """A sentence for each URL, and whether it was sent, when all are known or the time is up."""
        with contextlib.suppress(KeyboardInterrupt):  # the verdict has been shown: who is tired of waiting may go
            for thread in self.threads:
                thread.join(max(0.0, self.until - time.monotonic()))
        late = f"no answer within {SECONDS:.0f} s; whether it arrived is not known"
        told = [(f"{one.name}: {one.outcome or late}", one.sent) for one in self.deliveries]
        if self.threads and not any(thread.is_alive() for thread in self.threads):
            logging.getLogger().handlers[:] = self.kept  # else what still hangs would log its URL in the end
        return told


def send(urls: Sequence[str], text: Message) -> Sending:
    """Starts to send `text` to every URL, all at once; the results are asked for later."""
    if not urls:
        return Sending()
    root, statuses = logging.getLogger(), _Statuses()
    sending = Sending(until=time.monotonic() + SECONDS, kept=list(root.handlers))
    root.handlers[:] = [statuses]
    warnings.simplefilter("ignore")  # urllib3's name hosts; pytest restores the filters
    for number, url in enumerate(urls, 1):
        delivery = _Delivery("--notify" if len(urls) == 1 else f"--notify number {number}")
        thread = threading.Thread(target=_deliver, args=(delivery, url, text, statuses), daemon=True)
        sending.deliveries.append(delivery)
        sending.threads.append(thread)
        thread.start()
    return sending


def _deliver(delivery: _Delivery, url: str, text: Message, statuses: _Statuses) -> None:
    try:
        delivery.sent, delivery.outcome = _sent(delivery, url, text, statuses)
    except ImportError:
        delivery.outcome = "not sent: Apprise is not installed; pip install apprise, or send report.html by hand"
    except BaseException as error:  # of a foreign plugin; its text may hold the URL
        delivery.outcome = f"not sent: {type(error).__name__} while sending"


def _sent(delivery: _Delivery, url: str, text: Message, statuses: _Statuses) -> tuple[bool, str]:
    """Whether it was sent, and what to say about it."""
    import apprise

    receiver = apprise.Apprise.instantiate(url)
    if receiver is None:
        return False, "not sent: this is no URL that Apprise knows (github.com/caronc/apprise lists them)"
    name = receiver.service_name
    delivery.name += f" ({name})"
    attach = [str(text.attachment)] if text.attachment and receiver.attachment_support else None
    kind, plain = apprise.NotifyType(text.kind), apprise.NotifyFormat.TEXT
    if receiver.notify(body=text.body, title=text.title, notify_type=kind, body_format=plain, attach=attach):
        return True, "sent" + (" with report.html" if attach else "")
    status = statuses.by_thread.get(threading.get_ident())
    return False, f"not sent: {f'it answered HTTP {status}' if status else 'no connection, or it was refused'}"
