"""The auth service: checks logins against the table `users`, and keeps tokens in Redis."""

from __future__ import annotations

import json
import secrets

import psycopg2
import redis

from .log import Log
from .passwords import matches
from .stores import STORES, cache, database, health, metrics
from .web import Answer, Request, serve

LOG = Log("auth-service")
TOKEN_SECONDS = 600


def login(request: Request) -> Answer:
    """`POST /auth/login`."""
    body = request.json()
    if not isinstance(body, dict) or not all(isinstance(body.get(key), str) for key in ("email", "password")):
        return Answer(422, {"detail": "email and password are required"})
    try:
        with database() as cursor:
            cursor.execute("SELECT id, password_hash, active FROM users WHERE email = %s", (body["email"],))
            row = cursor.fetchone()
        if row is None or not matches(body["password"], row[1]):
            return Answer(401, {"detail": "Invalid email or password"})
        if not row[2]:
            return Answer(403, {"detail": "This account is not active"})
        token = secrets.token_urlsafe(32)
        cache().setex(f"token:{token}", TOKEN_SECONDS, json.dumps({"id": row[0], "email": body["email"]}))
    except (psycopg2.Error, redis.RedisError) as error:
        LOG("ERROR", f"login failed: {error}")
        return Answer(503, {"detail": "login is not possible now"})
    return Answer(200, {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_SECONDS})


def me(request: Request) -> Answer:
    """`GET /auth/me`: the user of the token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        user = cache().get(f"token:{token}")
    except redis.RedisError as error:
        LOG("ERROR", f"token lookup failed: {error}")
        return Answer(503, {"detail": "tokens cannot be looked up now"})
    if not isinstance(user, bytes):
        return Answer(401, {"detail": "Invalid token"})
    return Answer(200, json.loads(user))


def main() -> None:
    """Serve on port 8001 until killed."""
    serve(
        8001,
        {
            "GET /health": health("auth-service", LOG, STORES),
            "GET /metrics": metrics("auth-service"),
            "POST /auth/login": login,
            "GET /auth/me": me,
        },
    )


if __name__ == "__main__":
    main()
