"""Hashed passwords: scrypt with a salt of their own."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def hashed(password: str) -> str:
    """Salt and hash, to be stored."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether `password` is the one that was stored."""
    salt, _, digest = stored.partition("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), digest)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)
