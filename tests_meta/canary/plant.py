"""Makes the secrets to plant. Each stands beside a harmless mark, which proves that its text reached the output."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

SALT = secrets.token_hex(8)  # every run makes other secrets, so that none can be recorded by mistake


def make_secret(label: str, length: int = 24) -> str:
    """Return a secret of letters and digits for this run."""
    digest = hashlib.sha256(f"{SALT}{label}".encode()).hexdigest()
    return ("Cn4ry" + digest.translate(str.maketrans("abc", "XYZ")) * 8)[:length]


def make_hex(label: str, length: int) -> str:
    """Return a secret of hexadecimal digits for this run."""
    return (hashlib.sha256(f"{SALT}{label}".encode()).hexdigest() * 4)[:length]


def make_number(label: str) -> str:
    """Return a secret of digits for this run."""
    return str(10**14 + int(make_hex(label, 12), 16) % 10**14)


def make_private_key(label: str) -> str:
    """Return text in the shape of a private key in PEM."""
    lines = [make_secret(f"{label}{number}", 64) for number in range(4)]
    return "\n".join(["-----BEGIN RSA PRIVATE" + " KEY-----", *lines, "-----END RSA PRIVATE" + " KEY-----"])


def make_jwt(label: str) -> str:
    """Return text in the shape of a JSON Web Token."""
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return f"{head}.{make_secret(label, 40)}.{make_secret(label + 'x', 43)}"


Shape = Callable[[str], tuple[str, str]]  # label -> the secret, and a text that contains it


def _with(template: str) -> Shape:
    return lambda label: (make_secret(label), template.replace("{s}", make_secret(label)))


def _prefixed(prefix: str, length: int, template: str = "used {s} here") -> Shape:
    return lambda label: (
        prefix + make_secret(label, length),
        template.replace("{s}", prefix + make_secret(label, length)),
    )


def _hexadecimal(length: int, template: str) -> Shape:
    return lambda label: (make_hex(label, length), template.replace("{s}", make_hex(label, length)))


# What redaction without the times of a log's lines, and without its wrappers, would miss.
SPANNING_SHAPES: dict[str, Shape] = {
    "block": _with("password: |\n  {s}\nuser: app"),
    "folded": _with("api_key: >-\n  {s}"),
    "next-line": _with("db:\n  password:\n    {s}"),
    "yaml-list": _with("tokens:\n  - {s}\n  - other"),
    "yaml-table": _with("secrets:\n  stripe: {s}"),
    "name-value": _with("- name: DB_PASSWORD\n  value: {s}"),
    "value-name": _with("- value: {s}\n  name: DB_PASSWORD"),
    "printed-json": _with('{\n  "password":\n    "{s}"\n}'),
    "sentence-above": _with("your new password is:\n{s}"),
    "netrc-lines": _with("\nmachine h\n  login u\n  password {s}"),
    "pgpass": _with("\ndb:5432:app:app:{s}"),
    "ansible-vault": _hexadecimal(80, "db_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  {s}"),
    "two-lines": lambda label: (
        make_secret(label),
        f"API_TOKEN={make_secret(label)[:20]}\\\n{make_secret(label)[20:]}",
    ),
}
WRAPPED_SHAPES: dict[str, Shape] = {
    "json-list": _with('{"Authorization":["Token {s}"]}'),
    "json-table": _with('{"password":{"value":"{s}"}}'),
    "json-number": lambda label: (make_number(label), f'{{"password":{make_number(label)}}}'),
    "json-value-name": _with('{"value":"{s}","name":"DB_PASSWORD"}'),
    "json-escaped-list": _with(r'body="{\"token\":[\"{s}\"]}"'),
    "json-argument": _with('["sqlcmd","-U","sa","-P","{s}"]'),
    "python-list": _with("{'Authorization': ['Token {s}']}"),
    "python-table": _with("{'password': {'value': '{s}'}}"),
    "some": _with('Config { password: Some("{s}") }'),
    "secret-str": _with("Settings(password=SecretStr('{s}'))"),
    "national": _with("CREATE LOGIN a WITH PASSWORD = N'{s}'"),
    "raw": _with('let secret = r#"{s}"#;'),
    "dollar-quote": _with("TOKEN=$'{s}'"),
    "anchor": _with("password: &db {s}"),
    "tag": _with("password: !!str {s}"),
    "ssws": _with("Authorization: SSWS {s}"),
    "go-map": _with("map[Password:[{s}] User:[a]]"),
    "go-struct": _with("&{Host:db Password:{s} Port:1}"),
    "php": _with('["password"]=> string(24) "{s}"'),
    "odbc": _with("Driver={X};Server=h;UID=sa;PWD={s};"),
    "odbc-braces": _with("Driver={X};Server=h;UID=sa;PWD={{s}};"),
    "oracle": _with("sqlplus scott/{s}@//db:1521/X"),
    "oracle-jdbc": _with("jdbc:oracle:thin:app/{s}@db:1521/X"),
    "url-slash-at": _with("postgres://app:a/b@{s}@db/app"),
    "kubeconfig": _with("client-key-data: {s}"),
    "jwk": _with('{"kty":"oct","k":"{s}"}'),
    "paseto": _prefixed("v4.local.", 60),
    "django": _with("pbkdf2_sha256$600000$salt${s}"),
    "werkzeug": _hexadecimal(64, "pbkdf2:sha256:260000$salt${s}"),
    "pg-md5": _hexadecimal(32, "rolpassword md5{s}"),
    "bcrypt": _prefixed("$2b" + "$12$", 53),
    "argon2": _prefixed("$argon2id" + "$v=19$m=65536,t=3,p=4$", 60),
    "auth-tuple": _with("get(u, auth=('u', '{s}'))"),
    "constructor": _with("new PDO('mysql:host=db', 'app', '{s}')"),
    "redis-auth": _with("AUTH default {s}"),
    "acl": _with("ACL SETUSER app on >{s} ~* +@all"),
    "password-function": _with("SET PASSWORD = PASSWORD('{s}')"),
    "identified": _with("CREATE USER app IDENTIFIED BY {s}"),
    "temporary": _with("A temporary password is generated for root@localhost: {s}"),
    "chpasswd": _with("echo app:{s} | chpasswd"),
    "add-user": _with("rabbitmqctl add_user app {s}"),
    "sqlcmd": _with("sqlcmd -S db -U sa -P {s}"),
    "code": _with(r"GET /callback?state=x\u0026code={s}"),
    "xml": _with('<add key="Password" value="{s}"/>'),
    "with": _with("bind as cn=admin with password {s} failed"),
    "from-to": _with("password changed from Old-One to {s}"),
    "row": _with("| password | {s} |"),
    "azure": _prefixed("Kt78Q" + "~", 34),
    "vault": _prefixed("hv" + "s.", 40),
    "terraform": _prefixed("Kt7Kt7Kt7Kt7Kt.atlas" + "v1.", 64),
    "grafana": _prefixed("gl" + "c_", 60),
    "artifactory": _prefixed("AK" + "Cp", 69),
    "dynatrace": _prefixed("dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX" + ".", 64),
    "doppler": _prefixed("dp." + "pt.", 43),
    "planetscale": _prefixed("pscale" + "_tkn_", 43),
    "fly": _prefixed("fo1" + "_", 43),
}

SHAPES: dict[str, Shape] = {
    "assignment": _with("DB_PASSWORD={s}"),
    "two-words": _with('login with password="my {s} here" refused'),
    "comma": _with("password=a,b;{s}"),
    "json": _with('{"client_secret": "{s}", "n": 1}'),
    "json-in-json": lambda label: (
        make_secret(label),
        json.dumps({"m": json.dumps({"apiKey": f"x {make_secret(label)}"})}),
    ),
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
        make_secret(label),
        f"Authorization: Basic {base64.b64encode(f'admin:{make_secret(label)}'.encode()).decode()}",
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
    "jwt": lambda label: (make_jwt(label), f"token was {make_jwt(label)}"),
    "aws-id": lambda label: ("AKIA" + make_secret(label, 16).upper(), f"aws {'AKIA' + make_secret(label, 16).upper()}"),
    "aws-secret": _with("AWS_SECRET_ACCESS_KEY={s}"),
    "google": _prefixed("AIza", 35),
    "github": _prefixed("gh" + "p_", 36),
    "gitlab": _prefixed("gl" + "pat-", 20),
    "stripe": _prefixed("sk" + "_live_", 24),
    "model": _prefixed("sk" + "-proj-", 40),
    "slack": _with("https://hooks.slack.com/services/T0/B0/{s}"),
    "telegram": lambda label: (
        make_secret(label, 33),
        f"https://api.telegram.org/bot123456789:AA{make_secret(label, 33)}/getMe",
    ),
    **SPANNING_SHAPES,
    **WRAPPED_SHAPES,
    "pem-escaped": lambda label: (make_secret(f"{label}1", 64), json.dumps({"private_key": make_private_key(label)})),
}


@dataclass
class PlantedSecrets:
    """All secrets by label, and all marks that must appear in the output."""

    secrets: dict[str, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)

    def plant(self, channel: str, shape: str) -> str:
        """Add a secret. Return the text that contains it, behind its mark."""
        label = f"{channel}-{shape}"
        secret, text = SHAPES[shape](label)
        self.secrets[label] = secret
        return f"{self.mark(label)} {text}"

    def plant_all(self, channel: str, shapes: Iterable[str] = tuple(SHAPES)) -> list[str]:
        """Add a secret for each shape. Return their texts."""
        return [self.plant(channel, shape) for shape in shapes]

    def plant_bare(self, label: str) -> str:
        """Add a secret. Return it without any text around it."""
        self.secrets[label] = make_secret(label)
        return self.secrets[label]

    def mark(self, label: str) -> str:
        """Add a mark. Return it."""
        self.marks.add(f"mark-{label}-seen")
        return f"mark-{label}-seen"

    def leaks(self, text: str) -> Iterator[str]:
        """Yield the label of each secret that a text contains, whole or by half, in any spelling."""
        for label, secret in self.secrets.items():
            if any(spelling in text for spelling in spellings(secret)):
                yield label


def spellings(secret: str) -> set[str]:
    """Return the secret, its halves, its percent-encoded form, and its three base64 forms (one for each alignment)."""
    whole = {secret, quote(secret, safe="")}
    halves = {secret[: len(secret) // 2], secret[len(secret) // 2 :]} if len(secret) >= 20 else set()
    encoded = set()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + secret.encode()).decode()
        encoded.add(text[(offset * 8 + 5) // 6 : (offset + len(secret)) * 8 // 6])
    return whole | halves | encoded
