import pytest
from pydantic import ValidationError

from app.config import Settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATANG_PORT", "9000")
    assert Settings().port == 9000


def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATANG_PORT", "99999")
    with pytest.raises(ValidationError):
        Settings()
