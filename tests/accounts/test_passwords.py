"""Which passwords are taken, and what becomes of them."""

from __future__ import annotations

import time
import unicodedata

import pytest

from app.accounts import passwords
from app.errors import Invalid


@pytest.mark.parametrize(
    ("password", "name", "code"),
    [
        ("Ngắn quá 1!", "lan", "password_too_short"),
        ("à" * 11, "lan", "password_too_short"),
        ("xY9 " * 51, "lan", "password_too_long"),
        ("nguyenvanlan", "nguyenvanlan", "password_has_name"),
        ("NguyenVanLan!1", "nguyenvanlan", "password_has_name"),
        ("Nguyen.Van.Lan.7", "nguyenvanlan@so.gov.vn", "password_has_name"),
        ("Password-1234", "lan", "password_common"),
        ("mat khau 123456", "lan", "password_common"),
        ("aaaaaaaaaaaaab", "lan", "password_common"),
    ],
)
def test_bad_passwords_are_refused(password: str, name: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check(password, name)
    assert refused.value.code == code
    assert password not in str(refused.value.problem())


@pytest.mark.parametrize(
    "password", ["sông Hương chảy qua cầu", "🌧️ mưa Huế tháng mười", "x7-q!Rt9 zzPl", "lan " * 5 + "hoa"]
)
def test_vietnamese_and_spaces_are_taken(password: str) -> None:
    passwords.check(password, "lan")
    assert passwords.verify(password, passwords.hashed(password))


def test_the_old_password_is_not_a_new_one() -> None:
    decomposed = unicodedata.normalize("NFD", "sông Hương chảy qua cầu")
    with pytest.raises(Invalid) as refused:
        passwords.check("sông Hương chảy qua cầu", "lan", old=decomposed)
    assert refused.value.code == "password_unchanged"


def test_the_same_text_in_either_form_is_the_same_password() -> None:
    composed = unicodedata.normalize("NFC", "sông Hương chảy qua cầu")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    known = passwords.hashed(composed)
    assert known.startswith("$argon2id$")
    assert passwords.hashed(composed) != known  # salted
    assert passwords.verify(decomposed, known)
    assert not passwords.verify(composed + " ", known)
    assert not passwords.verify("", known)


def test_a_name_nobody_has_takes_as_long() -> None:
    known = passwords.hashed("sông Hương chảy qua cầu")

    def fastest(known_hash: str | None) -> float:
        seconds = []
        for _ in range(5):
            begun = time.perf_counter()
            assert not passwords.verify("a wrong password", known_hash)
            seconds.append(time.perf_counter() - begun)
        return min(seconds)

    assert fastest(None) > 0.5 * fastest(known)


def test_generated_passwords_pass_their_own_rules() -> None:
    made = {passwords.generated() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        passwords.check(password, "quantri")
