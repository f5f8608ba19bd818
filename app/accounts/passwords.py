"""Which passwords are taken, and their argon2id hashes."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import lru_cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.errors import Invalid

MIN_LENGTH, MAX_LENGTH = 12, 200
MIN_DIFFERENT = 5
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else in print
# The long ones among those that people choose most, here and elsewhere; compared without case and separators.
COMMON = frozenset(
    "password1234 password12345 password123456 passwordpassword passw0rd1234 123456789012 1234567890123 "
    "12345678901234567890 123123123123 123456123456 qwertyuiop123 qwerty123456 qwertyuiopasdfgh 1q2w3e4r5t6y "
    "1qaz2wsx3edc abcdefghijkl abcd12345678 iloveyou1234 administrator administrator1 adminadmin123 "
    "admin1234567 admin123456789 welcome12345 letmein12345 changeme1234 matkhau12345 matkhau123456 matkhaumatkhau "
    "quantri12345 quantri123456 quantrivien123 hatang123456 hatang1234567 vietnam12345 vietnam123456 "
    "anhyeuem1234 anhyeuem12345 emyeuanh1234 thuathienhue hue123456789 toiyeuvietnam toiyeuhue1234".split()
)
_HASHER = PasswordHash((Argon2Hasher(),))
"""RFC 9106, second recommendation: 64 MiB, three passes, four lanes."""
_AT_ONCE = threading.BoundedSemaphore(4)
"""Each hash takes 64 MiB: a flood of log-ins must not take the machine's memory."""


def normal(password: str) -> str:
    """Return the password as it is hashed: Vietnamese typed with combining marks or without is the same (NFC)."""
    return unicodedata.normalize("NFC", password)


def check(password: str, name: str, old: str = "") -> None:
    """Refuse a password that is too short, too long, the account's name or among the first to be guessed.

    Raises
    ------
    Invalid
        `password_too_short`, `password_too_long`, `password_has_name`, `password_common` or, the same as the old
        one, `password_unchanged`.
    """
    password = normal(password)
    plain = "".join(c for c in password.lower() if c.isalnum())
    stem = "".join(c for c in name.lower().partition("@")[0] if c.isalnum())
    if len(password) < MIN_LENGTH:
        raise _refused("too_short", f"cần ít nhất {MIN_LENGTH} ký tự", f"takes at least {MIN_LENGTH} characters")
    if len(password) > MAX_LENGTH:
        raise _refused("too_long", f"dài quá {MAX_LENGTH} ký tự", f"has more than {MAX_LENGTH} characters")
    if stem and stem in plain and len(plain) - len(stem) < MIN_LENGTH // 2:
        raise _refused("has_name", "không được là tên tài khoản", "must not be the account's name")
    if plain in COMMON or len(set(password)) < MIN_DIFFERENT:
        raise _refused("common", "quá dễ đoán", "is too easy to guess")
    if password == normal(old):
        raise _refused("unchanged", "mới phải khác mật khẩu cũ", "must differ from the old one")


def _refused(code: str, vi: str, en: str) -> Invalid:
    return Invalid(f"password_{code}", f"Mật khẩu {vi}", f"The password {en}", field="new")


def hashed(password: str) -> str:
    """Return the argon2id hash of a password."""
    with _AT_ONCE:
        return _HASHER.hash(normal(password))


def verify(password: str, known_hash: str | None) -> bool:
    """Say whether the password belongs to the hash; without a hash the same work is done, and the answer is no."""
    with _AT_ONCE:
        good = _HASHER.verify(normal(password)[: MAX_LENGTH + 1], known_hash or _nobodys())
    return good and known_hash is not None


def outdated(known_hash: str) -> bool:
    """Say whether a hash was made with other parameters than today's."""
    return _HASHER.current_hasher.check_needs_rehash(known_hash)


@lru_cache
def _nobodys() -> str:
    """Return the hash of a password nobody knows, for names nobody has: the answer takes as long as for others."""
    return _HASHER.hash(secrets.token_urlsafe(32))


def generated() -> str:
    """Return a random password of 20 characters (99 bits), in groups to be read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
