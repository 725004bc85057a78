"""Texts from outside mention nobody, link nowhere and embed nothing: in notifications and in what is pasted."""

from __future__ import annotations

import json
import re
import smtplib
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_string
from typing import Any

import pytest
import requests
from markdown_it import MarkdownIt
from markdown_it.token import Token

from service_down.reports.delivery.markdown import code, escaped, prose
from service_down.reports.delivery.notify import message, send
from service_down.reports.history.compare import compare
from service_down.reports.history.incident_timeline import incident_timeline
from service_down.reports.history.incident_update import incident_update
from service_down.reports.text import inert
from service_down.reports.verdict_file import VerdictFile
from service_down.tests_meta.reports.saved_runs import cause, event, verdict_at

AT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
MENTIONS = (
    "!channel>",
    "@everyone",
    "@here",
    "@channel",
    "@all",
    "@octocat",
    "@org/team",
    "<!here>",
    "<!channel|x>",
    "<@U123>",
)
MORE_MENTIONS = (
    "<@&123>",
    "<#C123|general>",
    "#general",
    "#123",
    "org/repo#1",
    "<users/all>",
    "<:emoji:123>",
    "<t:1>",
)
LINKS = (
    "[x](http://evil.test/a)",
    "![x](http://evil.test/i.png)",
    "[x](//evil.test)",
    "[x]: http://evil.test",
    "[x][1]",
    "<http://evil.test|press here>",
    "<http://evil.test>",
    "http://evil.test/b",
    "HTTPS://evil.test",
    "ftp://evil.test",
    "www.evil.test",
    "evil.com",
    "evil.example.co/x",
    "me@evil.test",
    "mailto:me@evil.test",
    "[x](javascript:alert(1))",
    "[x](javascript&colon;alert(1))",
)
MARKUP = (
    "<b>bold</b>",
    "<img src=http://evil.test/i.png>",
    "<script>alert(1)</script>",
    "<!-- x -->",
    "</code></pre><a href=//evil.test>x</a>",
    "&lt;!here&gt;",
    "&#64;everyone",
    "&commat;everyone",
    "\\@everyone",
    "\\[x](http://evil.test)",
    "`@everyone`",
    "``` @here",
    "\n\n# heading\n\n@everyone",
    "| a | b |",
    "~~~\n@everyone",
    "[^1] [^1]: x",
    "- [ ] task",
    "@\u200beveryone",
    "\uff20everyone <\u200b!here>",
)
DOMAINS = (
    *("evil.support/reset", "evil.cloud", "evil.zip", "evil.sh", "EVIL.Sh/x", "evil.\u0440\u0444", "evil.xn--p1ai"),
    *("x.json.evil.support", "State.evil.support", "State.Health.evil.cloud", "(evil.support)", "evil.support:443"),
    *("my-evil.co.uk", "a_evil.cloud", "/srv/evil.support/compose.yaml", "compose.yaml/evil.support"),
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REFERENCES = ("GH-26", "gh-1", "fixes GH-26.", COMMIT, ":smile:", ":+1:", "::man-bowing:", "(:x:)")
FORMATS = (
    "**ALL CLEAR**",
    "*ALL CLEAR*",
    "_x_",
    "__x__",
    "||hidden||",
    "~~x~~",
    "~x~",
    "`code`",
    "```\ncode\n```",
    "a*b*c",
)
HOSTILE = (*MENTIONS, *MORE_MENTIONS, *LINKS, *MARKUP)
ACTIVE = re.compile(
    r"@\w|<[!@#:/a-z]|#\w|://|\]\s?[(\[:]|!\[|www\.|evil\.(?:com|example\.co)|&(?:#\d+|#x\w+|\w+);|mailto:|javascript:",
    re.IGNORECASE,
)
GITHUB = re.compile(r"(?<![\w`])@\w|(?<!\w)#\d|\w#\d|(?<!\w)GH-\d|https?://|www\.\w")  # what it finds in rendered text
MARKDOWN = {name: MarkdownIt(name) for name in ("commonmark", "gfm-like")}
MARKDOWN["commonmark"].options["html"] = True
PLAIN_BLOCKS = {"paragraph", "bullet_list", "list_item", "heading", "inline"}
PLAIN_INLINES = {"text", "softbreak", "hardbreak", "code_inline", "strong_open", "strong_close", "text_special"}


def hostile_verdict(text: str) -> VerdictFile:
    """A run in which every text that may come from outside is this one."""
    found = cause(text, "container-stopped", text, "critical", (f"docker start -- '{text}'",), text)
    run = {"incident": text, "stack": text, "project": text, "host": text, "scope": text, "actions": (text,)}
    happened = (event("2026-11-23T21:05:00.000Z", text, text),)
    checks = {f"state:{text}": "unknown"}
    verdict = verdict_at(9, "down", found, run=run, states={text: "down"}, checks=checks, timeline=happened)
    before = verdict_at(1, "healthy", run=run, states={text: "ok"}, checks=checks)
    return replace(verdict, summary=text, compared=compare(before, verdict))


@pytest.mark.parametrize("text", HOSTILE)
def test_an_inert_text_has_no_active_part(text: str) -> None:
    assert not ACTIVE.search(inert(text)), inert(text)
    assert not ACTIVE.search(inert(f"before {text} after"))
    assert not ACTIVE.search(inert(f"x{text}y")) or "evil" in text
    assert len(inert(text)) == len(text)


DOMAIN = re.compile(r"evil\.\w|\w\.(?:support|cloud|zip|sh|uk|xn--p1ai|\u0440\u0444)\b", re.IGNORECASE)
REFERENCE = re.compile(r"\bGH-\d|\b[0-9a-f]{40}\b|(?<!\w):[\w+-]*[a-z+][\w+-]*:", re.IGNORECASE)
FORMAT = re.compile(r"[*`]|~[~\w]|\|\||\b_|_\b")


@pytest.mark.parametrize("text", [*DOMAINS, *REFERENCES])
def test_no_name_of_a_domain_and_no_reference_stays_active(text: str) -> None:
    for shown in (inert(text), inert(f"before {text} after"), escaped(text), prose(text)):
        assert not DOMAIN.search(shown), shown
        assert not REFERENCE.search(shown), shown
    sent = message(hostile_verdict(text), None)
    assert not DOMAIN.search(sent.title + sent.body)
    assert not REFERENCE.search(sent.title + sent.body)
    assert len(inert(text)) == len(text)


@pytest.mark.parametrize("text", ["a", "a.", "a/", "a.b", ".", "~/", "a:", ":a", "0a", "a-"])
def test_a_long_text_takes_linear_time(text: str) -> None:
    started = time.process_time()
    inert(text * (100_000 // len(text)))
    inert(":" + text * (100_000 // len(text)))
    assert time.process_time() - started < 2


@pytest.mark.parametrize("text", FORMATS)
def test_a_notification_formats_nothing(text: str) -> None:
    sent = message(hostile_verdict(text), None)
    shown = [line for line in (sent.title, *sent.body.splitlines()) if "next:" not in line]
    assert not [line for line in shown if FORMAT.search(line)]
    assert f"docker start -- '{text}'" not in sent.body


@pytest.mark.parametrize(
    "text",
    [
        "/srv/shop/run.py, ./go.sh, ~/.ssh/config and app/main.py:12 of docker-compose.prod.yaml",
        "Config.Labels says com.docker.compose; 12.5 s, v1.2.3, 10.0.0.1:80, e.g. i.e. x.y",
        "postgres was stopped: exit code 0, 3.5 s ago (12:30:05 UTC)",
        "State.Health.Log of shop-api-1: compose.yaml, app.py:12 and verdict.json in /srv/shop/backup.sh",
        "worse: postgres: ok -> down",
        "db_name *= 'x'; 10% of 16.1 GiB & more ~ 5 | 172.29.0.3:9093/api",
    ],
)
def test_usual_words_stay(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_notification_mentions_nobody_and_links_nowhere(text: str) -> None:
    sent = message(hostile_verdict(text), None)
    assert not ACTIVE.search(sent.title), sent.title
    assert not ACTIVE.search(sent.body), sent.body


def test_a_command_is_sent_as_it_is_or_not_at_all() -> None:
    for command, shown in {
        "docker compose -f /srv/shop/compose.yaml -p shop ps -a -- postgres": True,
        "curl -si -- http://127.0.0.1:8080/health?deep=1 | head -n 20": True,
        "curl -s -- 'http://172.29.0.8:9090/api/v1/query?query=up'": True,
        "docker start -- @everyone": False,
        "docker start -- 'http://evil.test'": False,
        "curl -s -- 'http://evil.test/[x](http://evil.test)'": False,
    }.items():
        body = message(verdict_at(9, "down", cause("web", "x", "down", "error", (command,))), None).body
        assert (f"  next: {command}" in body.splitlines()) is shown
        assert shown or "  next: the first command in report.html" in body.splitlines()


class Outbox:
    """Keeps what Apprise sends instead of sending it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.payloads: list[Any] = []
        patch.setattr(requests.sessions.Session, "request", self.request)
        patch.setattr(smtplib, "SMTP", lambda *arguments, **more: self)

    def request(self, method: str, url: str, **more: Any) -> requests.Response:
        """Keep the body of a request."""
        body = more.get("json") or more.get("data")
        self.payloads.append(json.loads(body) if isinstance(body, str | bytes) else body)
        response = requests.Response()
        response.status_code = 200
        response._content = b"ok" if "slack" in url else b"{}"
        return response

    def sendmail(self, sender: str, to: str, text: str) -> None:
        """Keep the texts of a mail."""
        mail = message_from_string(text)
        parts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_maintype() == "text"]
        self.payloads.append([str(mail["Subject"]), *(part.decode() for part in parts if isinstance(part, bytes))])

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **more: None


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


OWN_MARKUP = re.compile(  # of a service or of Apprise, around and for what it was given
    r"</?(?:html|head|body|b|h1|p|br|title)\b[^<>]*>|&(?:nbsp|amp|emsp|apos|quot|#39);|^### |-&gt;"
)
SERVICES = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general?footer=no&image=no",
    "slack blocks": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general?footer=no&image=no&blocks=yes",
    "slack markdown": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general?format=markdown&footer=no&image=no",
    "discord": "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz0123456789?avatar=no&image=no",
    "discord markdown": "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz0123456789?format=markdown&avatar=no",
    "teams": "workflows://localhost:443/0123456789abcdef/signature?image=no",
    "mattermost": "mmost://localhost/3ccdd113474722377935511fc85d3dd4?image=no",
    "google chat": "gchat://workspace/key/token",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/?image=no",
    "mail": "mailto://me:secret@localhost?to=oncall@localhost&mode=insecure",
    "mail html": "mailto://me:secret@localhost?to=oncall@localhost&mode=insecure&format=html",
}


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_receives_mentions_nobody(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    outbox = Outbox(monkeypatch)
    for text in HOSTILE:
        outbox.payloads.clear()
        sent = replace(message(hostile_verdict(f"PLANTED {text} PLANTED"), None), attachment=None)
        results = send([SERVICES[service]], sent).results()
        assert results[0][1], results
        planted = [entry for payload in outbox.payloads for entry in strings(payload) if "PLANTED" in entry]
        assert planted, outbox.payloads
        for entry in planted:
            own = OWN_MARKUP.sub(" ", entry)
            assert not ACTIVE.search(own), own


def tokens(children: list[Token]) -> Iterator[Token]:
    for token in children:
        yield token
        yield from tokens(token.children or [])


def assert_plain(text: str) -> None:
    """Fail when a reader of Markdown, or GitHub after it, makes more than text, lists and headings of `text`."""
    for name, reader in MARKDOWN.items():
        for token in tokens(reader.parse(text)):
            kind = token.type.removesuffix("_open").removesuffix("_close")
            assert kind in PLAIN_BLOCKS or token.type in PLAIN_INLINES, f"{name}: {token.type}: {token.content}"
            if token.type == "text":
                assert not GITHUB.search(token.content), f"{name}: {token.content}"


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_makes_only_text_of_a_foreign_text(text: str) -> None:
    assert_plain(f"- {escaped(text)}")
    assert_plain(escaped(text))
    assert_plain(f"- **{escaped(text)}**: {escaped(text)} ({escaped(text)})")
    assert_plain(f"- {code(text)}")
    assert_plain(f"- {prose(text)}")


@pytest.mark.parametrize("text", HOSTILE)
def test_the_documents_of_an_incident_mention_nobody_and_link_nowhere(text: str) -> None:
    now = hostile_verdict(text)
    earlier = verdict_at(1, "healthy", run={"incident": text, "stack": text, "actions": (text,)})
    verify = f"pytest -m verify '--incident={text}'"
    update = incident_update(now, [earlier], 2, AT, verify)
    assert_plain(update.replace("Incident Update #2", "Incident Update 2"))  # the runbook's own words
    assert_plain(incident_timeline([earlier, now], [text]))
