"""Where the simulation's chance and its ids come from: streams and names derived from the seed by hashing.

Each customer draws from its own stream, so what one does never shifts what another does. Knows nothing of the business.
"""

import hashlib
import random

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BYTE_TO_LETTER = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


def stream(seed: int, *key: object) -> random.Random:
    """The random numbers of one thing: the same for the same seed and key, on every machine."""
    return random.Random(":".join(map(str, (seed, *key))))  # noqa: S311 - a simulation, not a secret


def identifier(prefix: str, length: int, *key: object) -> str:
    """An id that looks like Stripe's: the prefix and `length` letters and digits that the key decides."""
    digest = hashlib.blake2b(":".join(map(str, (prefix, *key))).encode(), digest_size=32).digest()
    return prefix + digest[:length].translate(_BYTE_TO_LETTER).decode()
