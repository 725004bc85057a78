"""What must go and what must stay, as tables. Every secret is made here, at run time, and obviously a fake."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

SECRET = "s3cr3t-V4lue"
ODD = "p@ss w/rd&1=\"2'%"  # everything that some spelling escapes


def fake(prefix: str, length: int, alphabet: str = "F4keN0tReal") -> str:
    """A recognisable fake: a prefix as its issuer writes it, and a repeated word."""
    return prefix + (alphabet * length)[:length]


def hexes(length: int) -> str:
    """Hexadecimal digits that are nothing."""
    return ("fa4e0bad" * length)[:length]


BEGIN, END = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"
BODY = [fake("MII", 64), fake("q", 64), fake("z", 31)]
PEM = "\n".join([BEGIN, *BODY, END])
JWT = ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N"))

_BEHIND_NAMES: list[Any] = [
    {"Env": [f"POSTGRES_PASSWORD={SECRET}"]},
    {"Env": [f"AWS_SECRET_ACCESS_KEY={SECRET}", f"API_KEY={SECRET}", f"SLACK_TOKEN={SECRET}", f"REDIS_AUTH={SECRET}"]},
    {"Env": [f"DB_PASSWORD={SECRET}, with; all & sorts {SECRET}"]},
    {"Env": [f"SECRET_KEY_BASE={SECRET}", f"DB_PASSWORD_PROD={SECRET}", f"PGPASSWORD={SECRET}", f"DB_PASS={SECRET}"]},
    {"Env": [f"STRIPE_API_KEYS={SECRET}", f"encryptionKey={SECRET}", f"AIRTABLE_PAT={SECRET}"]},
    {"Env": [f"SLACK_WEBHOOK_URL=https://example.com/{SECRET}", f"SENTRY_DSN=https://{SECRET}@sentry.example.com/1"]},
    {"environment": {"REDIS_PASSWORD": SECRET, "JWT_SECRET": SECRET, "NEXTAUTH_SECRET": SECRET}},
    {"access_token": SECRET, "nested": [{"refreshToken": SECRET, "clientSecret": SECRET, "x-api-key": SECRET}]},
    {"passwords": [SECRET, SECRET]},
    {"env": [{"name": "DB_PASSWORD", "value": SECRET}]},
    {"password": 3141592653, "text": ""},
    f'{{"password": "{SECRET}"}}',
    f'{{"password": "two words {SECRET}, and more", "user": "app"}}',
    json.dumps({"password": f'quote " in {SECRET}'}),
    json.dumps({"msg": json.dumps({"password": SECRET, "n": 1})}),
    json.dumps({"a": json.dumps({"b": json.dumps({"apiKey": f"x y {SECRET}"})})}),
    f"{{'db': {{'password': '{SECRET}', 'port': 5432}}}}",
    f"[{{'name': 'DB_PASSWORD', 'value': '{SECRET}'}}]",
    f'{{"name":"DB_PASSWORD","value":"{SECRET}"}}',
    f"password: {SECRET}",
    f"  api_key:   '{SECRET} two'   # the key",
    f"client_secret: |\n  {SECRET}\n  {SECRET}\nnext: thing",
    f'token = "{SECRET}"',
    f'secret_key = """{SECRET}"""',
    f"password => {SECRET}",
    f"host=db user=app password={SECRET} dbname=app",
    f"host=db user=app password='two {SECRET}' dbname=app",
    f"host=db password='it''s {SECRET}' dbname=app",
    f"jdbc:postgresql://h/db?user=u&password={SECRET}",
    f"jdbc:sqlserver://h:1433;user=sa;password={SECRET};encrypt=true",
    f"Server=tcp:h,1433;Database=d;User Id=sa;Pwd={SECRET};Encrypt=True",
    f"Endpoint=sb://h/;SharedAccessKeyName=Root;SharedAccessKey={SECRET}=",
    f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET}==;EndpointSuffix=core.windows.net",
    f"https://h/container?sv=2024&sr=c&sig={SECRET}%3D",
    f"https://s3/h/o?X-Amz-Expires=60&X-Amz-Signature={hexes(64)}",
    f"GET /v1/items?token={SECRET}&page=2 HTTP/1.1",
    f"https://maps.example.com/api?page=2&api_key={SECRET}",
    f'msg="login with password={SECRET} refused" level=warn',
    f"user%5Bpassword%5D={SECRET}&user%5Bname%5D=x",
    f"user[password]={SECRET}",
    f"<password>{SECRET}</password>",
    f'<add name="db" password="{SECRET}" />',
    f"\x1b[36mpassword\x1b[0m=\x1b[35m{SECRET}\x1b[0m",
    json.dumps({"line": f"\x1b[36mpassword\x1b[0m=\x1b[35m{SECRET}\x1b[0m"}),
    f"DB_PASSWORD={SECRET},{SECRET};{SECRET}",
    f"ALTER USER app PASSWORD '{SECRET}'",
    f"CREATE USER a IDENTIFIED BY '{SECRET}'",
    f"machine h login u password {SECRET}",
    f"password='{SECRET}",
    {"Env": [f"SMTP_CREDS=mailer:{SECRET}", f"VAULT_DEV_ROOT_TOKEN_ID={SECRET}"]},
    f"REGISTRY_CREDS=puller:{SECRET}",
    f"registry_creds: 'puller:{SECRET}'",
    f"vault server -dev -dev-root-token-id={SECRET}",
]
_MORE_NAMES = (
    "DBPASS SMTPPASS MYSQLPASS MYSQL_DBPWD ROOTPW STOREPASS USERPASS PASS_PHRASE PASSKEY ENCRYPTIONKEY SIGNINGKEY"
    " MASTERKEY SSHKEY BASIC_AUTH_USERS PASSWORD_REDIS DB_PASSWORD_EU API_KEY_V2 API_KEY_STRIPE TOKEN_GITHUB SECRET_A"
    " DB_PASS_REPLICA smtpPass dbpass keystore.storepass passwordRedis"
)
_BEHIND_NAMES += [{"Env": [f"{name}={SECRET}"]} for name in _MORE_NAMES.split()]
_BEHIND_NAMES += [f"{name}={SECRET}" for name in _MORE_NAMES.split()]
_BEHIND_NAMES += [{name: SECRET} for name in _MORE_NAMES.split()]
_BEHIND_NAMES += [
    {"Env": ["DBPASS=s3cr3t-V4lue", "ROOTPW=s3cr3t-V4lue", "SECRET_A=s3cr3t-V4lue", "DB_PASSWORD_EU=s3cr3t-V4lue"]},
    {"Labels": {"traefik.http.middlewares.a.basicauth.users": f"bob:{SECRET}"}},
    {"labels": [f"traefik.http.middlewares.a.basicauth.users=bob:{SECRET},eve:{SECRET}"]},
    f"JWT={SECRET.replace('-', '') * 40}",
    f"API_KEY_STRIPE={SECRET * 40} next",
]
OPAQUE = hexes(32)  # a secret that only its name and its look give away
_BEHIND_WEAK_NAMES: list[Any] = [
    f"PAGERDUTY_ROUTING_KEY={OPAQUE}",
    {"Env": [f"PAGERDUTY_ROUTING_KEY={OPAQUE}", f"HASH_KEY={OPAQUE}", f"JWT={OPAQUE}", f"HMAC={OPAQUE}"]},
    f"pagerduty_configs:\n  - routing_key: {OPAQUE}\n    severity: critical",
    f'{{"routing_key": "{OPAQUE}", "event_action": "trigger"}}',
    f"SESSION_HASH_KEY={OPAQUE}{OPAQUE}==",
    f"JWT={OPAQUE}",
    f"hmac: '{OPAQUE}'",
    f"X-Hub-Hmac: {OPAQUE}",
    f"TOKEN_ID={OPAQUE}",
    {"Env": [f"VAULT_SECRET_ID={OPAQUE}", f"TOKEN_GITHUB={OPAQUE}"]},
]
_COMMANDS: list[Any] = [
    ["redis-server", "--requirepass", SECRET],
    [f"--password={SECRET}"],
    ["app", f"--api-key={SECRET},{SECRET}"],
    ["CMD", "redis-cli", "-h", "redis", "-a", SECRET, "ping"],
    ["mysqladmin", "-u", "root", f"-p{SECRET}", "ping"],
    ["CMD-SHELL", f"redis-cli -a {SECRET} ping | grep -q PONG"],
    f"redis-server --requirepass {SECRET}",
    f"requirepass {SECRET}",
    f"redis-cli -h redis -a {SECRET} ping",
    f"PGPASSWORD={SECRET} psql -h db -U app",
    f"docker run -e DB_PASSWORD={SECRET} image",
    f"curl -s -u admin:{SECRET} http://grafana:3000",
    f"curl --user 'admin:{SECRET}' http://grafana:3000",
    f"curl -H 'X-Api-Key: {SECRET}' http://h",
    f"mysql -u root -p{SECRET} -e 'select 1'",
    f"mongosh --host h -u root -p {SECRET} --eval 1",
    f"sshpass -p {SECRET} ssh h",
    f"docker login -u u -p {SECRET} registry",
    f"app --token {SECRET} --port 1",
    f"['app', '--password', '{SECRET}']",
    f'1700000000.1 [0 10.0.0.1:5] "AUTH" "{SECRET}"',
    f'1700000000.1 [0 10.0.0.1:5] "auth" "default" "{SECRET}"',
]
_COMMANDS += [
    ["app", "-u", f"bob:{SECRET}"],
    ["app", "--user", f"bob:{SECRET}"],
    ["app", f"--user=bob:{SECRET}"],
    ["app", f"--basic-auth=bob:{SECRET}"],
    ["app", "--basic-auth", f"bob:{SECRET}"],
    ["CMD", "curl", "-u", f"bob:{SECRET}", "http://h"],
    ["keytool", "-storepass", SECRET],
    f"app -u bob:{SECRET} -v",
    f"app --user 'bob:{SECRET}'",
    f"app --user=bob:{SECRET}",
    f"app --basic-auth=bob:{SECRET}",
    f"['app', '-u', 'bob:{SECRET}']",
    f'Config.Cmd = ["app", "--user", "bob:{SECRET}"]',
    f"keytool -list -storepass {SECRET}",
    "app --basic-auth bob:s3cr3t-V4lue",
]
_IN_LOGS: list[Any] = [
    f"connect(('password', '{SECRET}'), ('port', 5432))",
    f"('X-Api-Key', '{SECRET}')",
    f"<password>\n  {SECRET}\n</password>",
    f'<Password type="plain">{SECRET}</Password>',
    f'{{"password":\n   "{SECRET}"\n}}',
    json.dumps({"line": f'{{"password":\n   "{SECRET}"\n}}'}),
    f"password is {SECRET}",
    f"the new password for app is '{SECRET}'.",
    f"--action='rotated DB password to {SECRET}'",
    f"API key changed to {SECRET}, restart",
    f"token was {SECRET}",
    f"GET /callback?code={SECRET}&state=x",
    f"/callback?state=x&code=4/0{SECRET}",
    f"X-Api-Key {SECRET}",
]
_URLS: list[Any] = [
    f"postgresql://user:{SECRET}@db:5432/app",
    f"postgres://u:At@{SECRET}@h/x",
    f"connecting to redis://:{SECRET}@redis:6379",
    f"redis://:{SECRET}@redis",
    f"amqp://guest:{SECRET}@rabbit:5672/%2F",
    f"mongodb+srv://u:{SECRET}@cluster.example.net/?retryWrites=true",
    f"https://u:{quote(ODD, safe='')}{SECRET}@h/path?x=1",
    f"redis://:sl/ash{SECRET}@redis:6379/0",
    f"app:{SECRET}@tcp(db:3306)/app",
    f"https://{fake('ghx', 30)}{SECRET}@github.com/o/r.git",
    f"https://hooks.slack.com/services/T000/B000/{SECRET}",
    f"https://discord.com/api/webhooks/123456/{SECRET}",
    f"https://acme.webhook.office.com/webhookb2/{SECRET}@x/IncomingWebhook/y",
    f"https://api.telegram.org/bot123456789:{fake('AA', 33)}{SECRET}/sendMessage",
]
_HEADERS: list[Any] = [
    f"Authorization: Bearer {SECRET}",
    f"authorization: {SECRET}",
    f"Authorization: Token {SECRET}",
    f'Authorization: Digest username="u", realm="r", response="{SECRET}"',
    f"Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/r/s3/aws4_request, Signature={SECRET}",
    f"curl -H 'Authorization: Basic {SECRET}'",
    f"sent Bearer {SECRET} to the gateway",
    f"Proxy-Authorization: Basic {SECRET}==",
    {"headers": {"Authorization": f"Bearer {SECRET}", "Cookie": f"sid={SECRET}", "X-Auth-Token": SECRET}},
    f"Set-Cookie: session={SECRET}; Path=/",
    f"Cookie: a=1; PHPSESSID={SECRET}",
    f"X-Vault-Token: {SECRET}",
]
_KEYS: list[Any] = [
    PEM,
    PEM.replace("\n", "\\n"),
    json.dumps({"private_key": PEM, "private_key_id": "x"}),
    json.dumps({"log": json.dumps({"key": PEM})}),
    "\n".join(f"2026-01-01T00:00:00.123456789Z {line}" for line in PEM.splitlines()),
    "\n".join([*BODY, END]),
    "\n".join([BEGIN, *BODY]),
    f"key is {PEM}",
]

TORN = [fake("9", 64, one) for one in ("F4keN0tReal", "N0tReal", "Re4lF4ke")]  # a key's middle: the log began later

GO: list[tuple[Any, tuple[str, ...]]] = [
    ("apikey=9876543210123456", ("9876543210123456",)),
    ({"APIKEY": "9876543210123456", "accesskey": "98765432101"}, ("9876543210123456", "98765432101")),
    ({"Env": ["FIRST_PASS=Zq8vTt3Lm2Xw9K"]}, ("Zq8vTt3Lm2Xw9K",)),
    *((value, (SECRET,)) for value in (*_BEHIND_NAMES, *_COMMANDS, *_IN_LOGS, *_URLS, *_HEADERS)),
    *((value, (OPAQUE,)) for value in _BEHIND_WEAK_NAMES),
    *((value, tuple(BODY)) for value in _KEYS),
    ("before\n" + "\n".join(f"2026-01-01T00:00:00.123456789Z {line}" for line in TORN) + "\nafter", tuple(TORN)),
]

# Recognisable by themselves, in any text.
SHAPED = [
    JWT,
    fake("AKIA", 16, "EXAMPLE7"),
    fake("AIza", 35),
    fake("gh" + "p_", 36),
    fake("github" + "_pat_", 60),
    fake("gl" + "pat-", 20),
    fake("npm" + "_", 36),
    fake("pypi" + "-AgEIcHlwaS5vcmc", 60),
    fake("xox" + "b-1234567890-", 24),
    fake("sk" + "_live_", 24),
    fake("rk" + "_test_", 24),
    fake("wh" + "sec_", 32),
    fake("sk" + "-", 48),
    fake("sk" + "-ant-api03-", 90),
    fake("sk" + "-proj-", 60),
    "SG" + "." + fake("", 22) + "." + fake("", 43),
    "SK" + hexes(32),
    "pat" + fake("", 14) + "." + hexes(64),
    "key" + fake("", 14),
    fake("GOC" + "SPX-", 28),
    fake("hf" + "_", 34),
    "dop" + "_v1_" + hexes(64),
    fake("hv" + "s.", 24),
    fake("gl" + "sa_", 40),
    "$2" + "y$10$" + fake("", 53),
    "$ap" + "r1$salt1234$" + fake("", 22),
    "123456789:" + fake("AA", 33),
]

# The same secret in the spellings of those who carry it; it must be known to be found in them.
SPELLED = {
    "plain": ODD,
    "percent": quote(ODD, safe=""),
    "percent twice": quote(quote(ODD, safe=""), safe=""),
    "json": json.dumps(ODD),
    "json in json": json.dumps(json.dumps({"x": ODD})),
    "python": repr(ODD),
    "html": "p@ss w/rd&amp;1=&quot;2&#x27;%",
    "base64": base64.b64encode(ODD.encode()).decode(),
    "base64url": base64.urlsafe_b64encode(ODD.encode()).decode(),
    **{
        f"in base64 behind {len(before)}": base64.b64encode(f"{before}{ODD}{after}".encode()).decode()
        for before, after in (("u:", ""), ("us:", "tail"), ("use:", ""), ("user:", "x"))
    },
}

_FORMAT = "invalid interpolation format for services.db.environment.DB_PASSWORD."
_HINT = "You may need to escape any $ with another $."
COMPOSE_SAYS = [  # what Compose prints of a file it cannot read, and what is told of it
    (f"{_FORMAT}\n{_HINT}\nXy9!k${{Qz-{SECRET}\n", f"{_FORMAT} {_HINT}"),
    (
        f'time="x" level=warning msg="The \\"Lm\\" variable"\n{_FORMAT}\n{_HINT}\nXy9\n7${SECRET}\n',
        f"{_FORMAT} {_HINT}",
    ),
    (f"{_FORMAT} {_HINT} {SECRET}${{x\n", f"{_FORMAT} {_HINT}"),
    (
        f'/e.env: line 2: unexpected character "+" in variable name "{BODY[0]}"',
        '/e.env: line 2: unexpected character "+" in variable name …',
    ),
    (
        f'unexpected character "+" in variable name near "{BODY[0]}\\nA=\\"b\\"\\n"',
        'unexpected character "+" in variable name near …',
    ),
    (f'line 3: unterminated quoted value "{SECRET}', "line 3: unterminated quoted value …"),
    (f'Invalid template: "{SECRET}${{x"', "Invalid template: …"),
    (f"yaml: unknown anchor '{SECRET}' referenced", "yaml: unknown anchor … referenced"),
    *(
        (said, said)
        for said in (
            "yaml: unknown anchor 'x-common' referenced",
            "yaml: line 4: did not find expected key",
            "validating /srv/compose.yaml: services.db.environment must be a mapping",
            "error while interpolating services.db.image: required variable TAG is missing a value: set it in .env",
            "services.web.ports.[0]: invalid containerPort: zz",
            'service "web" depends on undefined service "db": invalid compose project',
        )
    ),
]

STAY = [
    "password is wrong; password is required, password to continue: password is too short, password is base64-encoded",
    "password to redis-6379, token to auth-service-eu-2, secret is v2, password is SHA256-hashed, token is RS256",
    "the password for app-1 is missing; API key was revoked by admin-2; token to http://auth:8080/token",
    "-u postgres --user 1000:1000 --user www-data:www-data -u 0:0 --user node:docker-users -u redis:6379/0",
    "--user ${UID}:${GID} --user=$UID:$GID -u http://h:80 --user 1000:docker --user ${UID:-1000}:${GID:-7a}",
    "code=200 ?code=404 ?code=ERR_TIMEOUT_42 /errors?code=invalid_grant&id=3 /e?code=E2BIG-17",
    "missing fields ('password', 'email') and ['password', 'Email2'] of ('body', 'password')",
    '{"password":\n  {"type": "string"}}',
    'password:\n  "type": 1',
    "X-Api-Key header missing, X-Api-Key rejected by auth-service-2",
    "<token>\n</token>",
    "bypass 12, -compass North-270, --trespass Heading-270x",
    "PASSWORD_MIN_LENGTH=8 TOKEN_TTL=3600 SECRET_NAME=db-credentials PASSWORD_FILE=/run/secrets/x KEY_SPACE=orders",
    "COMPASS=north BYPASS=true PASSIVE=on TOKEN_URL=https://auth/token PASS_THROUGH=Cookies2 TRESPASS=0 FIRSTPASS=yes",
    "SECRET_NAME=Prod-Db-2024 PASSWORD_HASHER=Argon2id-V13 TOKEN_ALGORITHM=HS256-Sha2 SECRET_STORE=Vault-EU-2",
    "TOKEN_ISSUER=Auth-Service-2 PASSWORD_POLICY=Min8-Upper1 API_KEY_HEADER=X-Api-Key2 PASSWORD_RESET_URL=/reset",
    "TOKEN_SERVICE=auth-service-2:8080 TOKEN_AUDIENCE=api-v2.Internal TOKEN_ENDPOINT=Realm1-Login",
    "SECRETS_BACKEND=vault-2 PASSWORD_ENCRYPTION=scram-sha-256 password_encryption = md5 PASSWORD_EXPIRES=2026-01-01",
    "password_reset_requests_total=12 token_cache_hits: 12 secret_store: unreachable tokenService: unhealthy",
    "token-service: Up 3 minutes, secret-manager=registry:5000/team/secret-manager:1.2.3-Rc1",
    "ssh_key_type=ed25519 apikeys: 3 dbpasses: 2 masterkeyed=no sshkeys=0",
    "bypass: all; compass: Heading270-North; multipass=3; proxypass: Backend-2-Main",
    "connection to server at postgres (172.18.0.4), port 5432 failed: Connection refused",
    "image: postgres:16.9-bookworm",
    "registry.example.com:5000/team/app@sha256:" + hexes(64),
    "sha256:" + hexes(64),
    f"{hexes(64)}\n{hexes(64)}\n{hexes(64)}",
    "container " + hexes(12) + " exited with 137",
    "commit " + hexes(40),
    "550e8400-e29b-41d4-a716-446655440000",
    "request_id=550e8400-e29b-41d4-a716-446655440000 took 12 ms",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    'FATAL:  password authentication failed for user "pyairtable"',
    "Access denied for user 'root'@'10.0.0.1' (using password: YES)",
    "POSTGRES_PASSWORD_FILE=/run/secrets/db",
    "GOOGLE_APPLICATION_CREDENTIALS=/var/secrets/google/key.json",
    "ssl_key=/etc/ssl/private/server.key",
    "PWD=/srv",
    "http://localhost:8080/api/v1/auth/login",
    "https://example.com:443/users?email=me@example.com",
    "http://h:80?email=me@example.com",
    "https://registry.npmjs.org/@scope/package",
    "git@github.com:owner/repository.git",
    "redis://redis:6379/0",
    "postgresql://app@db:5432/app",
    "component redis: unreachable",
    '{"status": "unhealthy", "service": "auth", "components": {"auth": "unhealthy", "redis": {"status": "up"}}}',
    '{"auth": "ok", "token": "valid", "tokens": 4096, "max_tokens": 100}',
    "Bind for 0.0.0.0:8080 failed: port is already allocated",
    "export REDIS_PASSWORD",
    "PGPASSWORD=$POSTGRES_PASSWORD psql",
    "redis-server --requirepass ${REDIS_PASSWORD}",
    "redis-cli --no-auth-warning -h redis ping",
    "psql --no-password -h db",
    "the token is not valid",
    "token: expired",
    "password: required",
    "Unexpected token: '<'",
    "SyntaxError: Unexpected token } in JSON at position 4",
    "rate limited: token bucket is empty, 0 tokens left",
    "primary key missing in table users",
    'duplicate key value violates unique constraint "users_email_key"',
    "Key (email)=(me) already exists.",
    "cache key=user:1234:profile",
    'primary_key: "users_pkey1"',
    "published with routing_key=pyairtable.Events.Table.v12.created",
    "routing_key: user.signup.v2 exchange: events",
    '{"routing_key": "orders.Created.2026", "hash_key": "user_id"}',
    "routing_key=550e8400-e29b-41d4-a716-446655440000",
    "hash_key=user:1234",
    "JWT=disabled",
    "jwt: RS256",
    "hmac=HMAC-SHA-256",
    "token_id=order-service-reader",
    "creds: missing",
    "creds=12",
    "no creds given",
    "GCP_CREDS=/var/secrets/google/key.json",
    "db0:keys=5,expires=0,avg_ttl=0",
    "keyspace_hits:42",
    "monkey: 12, donkey=Patches1234, keyboard: US",
    "the secret ingredient is patience",
    "pass: 12 fail: 3",
    "proxy_pass http://api-gateway:8080/;",
    "compass=north; bypass: all",
    "basic authentication and Bearer Authentication are both refused",
    'WWW-Authenticate: Bearer realm="api", error="invalid_token", error_description="The access token expired"',
    'WWW-Authenticate: Basic realm="Grafana"',
    "SELECT id, token FROM sessions WHERE token = $1 AND password = ? AND key = 'users'",
    "UPDATE users SET password = %(password)s WHERE id = 1",
    'http_requests_total{service="auth",code="500"} 12',
    "redis_keyspace_keys 5",
    'token_refresh_seconds_bucket{le="0.5"} 17',
    "2026-11-23T21:04:17.123456789Z INFO alive",
    "auth:service_healthy:false,token:service_started:true,secret-store:service_healthy:false",
    '  File "/app/services/auth.py", line 12, in get_token',
    "    token = self.get_token(request)",
    '    password=os.environ["DB_PASSWORD"],',
    "    connect(password=password)",
    "KeyError: 'REDIS_PASSWORD'",
    "\tat com.acme.auth.TokenService.token(TokenService.java:42)",
    "Caused by: io.jsonwebtoken.ExpiredJwtException: JWT expired at 2026-01-01T00:00:00Z",
    "Caused by: org.postgresql.util.PSQLException: FATAL: password authentication failed",
    "Authorization: <redacted>",
    "password=********",
    "WARN password: [REDACTED] token: ***",
    "-----BEGIN CERTIFICATE-----\nMIIBfake\n-----END CERTIFICATE-----",
    "task-scheduler disk-usage-of-all-the-volumes-is-high risk-assessment-service-is-running",
    "Config.Cmd = ['python3', '-m', 'services.auth']",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
]
