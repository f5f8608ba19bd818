import pytest
from pydantic import ValidationError

from app.config import Settings, settings
from app.errors import Invalid


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATANG_PORT", "9000")
    assert Settings().port == 9000


def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATANG_PORT", "99999")
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("HATANG_PORT", "abc"), ("HATANG_TRUSTED_PROXIES", "10.0.0.1, nowhere"), ("HATANG_SESSION_DAYS", "900"),
     ("HATANG_OIDC_ISSUER", "https://sso.example")],
)  # fmt: skip
def test_the_refusal_names_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("HATANG_OIDC_CLIENT_SECRET", "never shown")
    monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        with pytest.raises(Invalid) as refused:
            settings()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert name in refused.value.vi
    assert name in refused.value.en
    assert "never shown" not in refused.value.en
