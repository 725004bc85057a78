"""What is planted: secrets of many shapes, each beside a harmless mark that proves that its carrier was seen."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

SALT = secrets.token_hex(8)  # another secret in every run: nothing can be recorded by mistake


def core(label: str, length: int = 24) -> str:
    """A secret of letters and digits, made for this run."""
    digest = hashlib.sha256(f"{SALT}{label}".encode()).hexdigest()
    return ("Cn4ry" + digest.translate(str.maketrans("abc", "XYZ")) * 8)[:length]


def pem(label: str) -> str:
    """A private key that opens nothing."""
    lines = [core(f"{label}{number}", 64) for number in range(4)]
    return "\n".join(["-----BEGIN RSA PRIVATE" + " KEY-----", *lines, "-----END RSA PRIVATE" + " KEY-----"])


def jwt(label: str) -> str:
    """A token that opens nothing."""
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return f"{head}.{core(label, 40)}.{core(label + 'x', 43)}"


Shape = Callable[[str], tuple[str, str]]  # label -> the secret, and the text that carries it


def _with(template: str) -> Shape:
    return lambda label: (core(label), template.replace("{s}", core(label)))


def _prefixed(prefix: str, length: int, template: str = "used {s} here") -> Shape:
    return lambda label: (prefix + core(label, length), template.replace("{s}", prefix + core(label, length)))


SHAPES: dict[str, Shape] = {
    "assignment": _with("DB_PASSWORD={s}"),
    "two-words": _with('login with password="my {s} here" refused'),
    "comma": _with("password=a,b;{s}"),
    "json": _with('{"client_secret": "{s}", "n": 1}'),
    "json-in-json": lambda label: (core(label), json.dumps({"m": json.dumps({"apiKey": f"x {core(label)}"})})),
    "yaml": _with("api_key: {s}"),
    "url": _with("postgresql://app:{s}@db:5432/app"),
    "url-at": _with("amqp://app:p@ss{s}@mq:5672/%2F"),
    "url-no-user": _with("redis://:{s}@redis"),
    "dsn": _with("host=db user=app password='{s}' dbname=app"),
    "jdbc": _with("jdbc:postgresql://h/db?user=u&password={s}"),
    "server-pwd": _with("Server=h;Uid=sa;Pwd={s};Encrypt=True"),
    "creds": _with("SMTP_CREDS=mailer:{s}"),
    "routing-key": _with("routing_key: {s}"),
    "name-run-together": _with("SMTPPASS={s}"),
    "name-anywhere": _with("API_KEY_STRIPE={s}"),
    "login-option": _with("app --user bob:{s} -v"),
    "storepass": _with("keytool -storepass {s}"),
    "pair": _with("connect(('password', '{s}'))"),
    "sentence": _with("rotated DB password to {s}"),
    "oauth-code": _with("GET /callback?code={s}&state=x 302"),
    "header-no-colon": _with("X-Api-Key {s}"),
    "bare-jwt": _with("JWT={s}"),
    "account-key": _with("AccountName=a;AccountKey={s}==;EndpointSuffix=core.windows.net"),
    "bearer": _with("Authorization: Bearer {s}"),
    "basic": lambda label: (
        core(label),
        f"Authorization: Basic {base64.b64encode(f'admin:{core(label)}'.encode()).decode()}",
    ),
    "cookie": _with("Set-Cookie: session={s}; HttpOnly"),
    "query": _with("GET /v1?page=1&api_key={s} 200"),
    "sas": _with("https://h/c?sv=1&sig={s}%3D"),
    "coloured": _with("\x1b[36mtoken\x1b[0m=\x1b[35m{s}\x1b[0m"),
    "requirepass": _with("redis-server --requirepass {s}"),
    "redis-cli": _with("redis-cli -h redis -a {s} ping"),
    "curl": _with("curl -u admin:{s} http://grafana:3000"),
    "pgpassword": _with("PGPASSWORD={s} psql -h db"),
    "sql": _with("ALTER USER app PASSWORD '{s}'"),
    "jwt": lambda label: (jwt(label), f"token was {jwt(label)}"),
    "aws-id": lambda label: ("AKIA" + core(label, 16).upper(), f"aws {'AKIA' + core(label, 16).upper()}"),
    "aws-secret": _with("AWS_SECRET_ACCESS_KEY={s}"),
    "google": _prefixed("AIza", 35),
    "github": _prefixed("gh" + "p_", 36),
    "gitlab": _prefixed("gl" + "pat-", 20),
    "stripe": _prefixed("sk" + "_live_", 24),
    "model": _prefixed("sk" + "-proj-", 40),
    "slack": _with("https://hooks.slack.com/services/T0/B0/{s}"),
    "telegram": lambda label: (core(label, 33), f"https://api.telegram.org/bot123456789:AA{core(label, 33)}/getMe"),
    "pem-escaped": lambda label: (core(f"{label}1", 64), json.dumps({"private_key": pem(label)})),
}


@dataclass
class Planted:
    """Every secret by its label, and the marks that each channel must show."""

    secrets: dict[str, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)

    def plant(self, channel: str, shape: str) -> str:
        """The text that carries one more secret, behind its mark."""
        label = f"{channel}-{shape}"
        secret, text = SHAPES[shape](label)
        self.secrets[label] = secret
        return f"{self.mark(label)} {text}"

    def plants(self, channel: str, shapes: Iterable[str] = tuple(SHAPES)) -> list[str]:
        """One text for each shape."""
        return [self.plant(channel, shape) for shape in shapes]

    def bare(self, label: str) -> str:
        """A secret without a carrier of its own."""
        self.secrets[label] = core(label)
        return self.secrets[label]

    def mark(self, label: str) -> str:
        """A harmless word that must come out again."""
        self.marks.add(f"mark-{label}-seen")
        return f"mark-{label}-seen"

    def leaks(self, text: str) -> Iterator[str]:
        """The labels of the secrets that a text holds, whole or half, in any spelling."""
        for label, secret in self.secrets.items():
            if any(one in text for one in spellings(secret)):
                yield label


def spellings(secret: str) -> set[str]:
    """A secret as it is, its halves, percent-encoded, and as base64 wherever it may begin in it."""
    whole = {secret, quote(secret, safe="")}
    halves = {secret[: len(secret) // 2], secret[len(secret) // 2 :]} if len(secret) >= 20 else set()
    inside = set()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + secret.encode()).decode()
        inside.add(coded[(before * 8 + 5) // 6 : (before + len(secret)) * 8 // 6])
    return whole | halves | inside
