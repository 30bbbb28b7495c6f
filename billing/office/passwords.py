"""Passwords: what one must be, and what is kept of it (Argon2id, RFC 9106's second recommended cost).

What a password must be follows NIST SP 800-63B: long, not the obvious, and no rules of composition.
"""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from billing.errors import UsageError

SHORTEST, LONGEST = 12, 256
LEAST_CHARACTERS = 5
"""Different characters that a password has at least."""

HASHER = PasswordHasher()


def checked(password: str, login: str) -> str:
    """The password, if it will do.

    Raises:
        UsageError: it is too short, too long, holds the login, or is one character over and over.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"A password has {SHORTEST} to {LONGEST} characters; a few words that only you would join do.")
    if login.lower() in password.lower():
        raise UsageError("The password holds the login. Take one that doesn't.")
    if len(set(password)) < LEAST_CHARACTERS:
        raise UsageError(f"The password has fewer than {LEAST_CHARACTERS} different characters.")
    return password


def hashed(password: str) -> str:
    """What is kept of a password."""
    return HASHER.hash(password)


@cache
def nobody() -> str:
    """Held against what is given for a login that there is not, which so takes as long as one that there is."""
    return HASHER.hash("nobody has this password")


def fits(password_hash: str, password: str) -> bool:
    """Whether it is the password; takes as long whether or not it is."""
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
