"""The one-shot that creates the schema and the first users. It is idempotent."""

from __future__ import annotations

import os

from .passwords import hash_password
from .stores import database

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  id serial PRIMARY KEY, email text UNIQUE NOT NULL, password_hash text NOT NULL, active boolean NOT NULL DEFAULT true
)
"""


def main() -> None:
    """Run the migration."""
    users = {
        os.environ["DEMO_LOGIN_EMAIL"]: (os.environ["DEMO_LOGIN_PASSWORD"], True),
        "ada@example.com": (os.urandom(12).hex(), True),
        "left@example.com": (os.urandom(12).hex(), False),
    }
    with database() as cursor:
        cursor.execute(SCHEMA)
        for email, (password, active) in users.items():
            cursor.execute(
                "INSERT INTO users (email, password_hash, active) VALUES (%s, %s, %s) ON CONFLICT (email) DO NOTHING",
                (email, hash_password(password), active),
            )
    print("migrated: table users")


if __name__ == "__main__":
    main()
