"""Forged ID tokens against the keys of a real provider, and what of a discovery document is believed."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from app.accounts import oidc_client
from app.accounts.oidc_client import Misconfigured, Provider, checked
from app.accounts.oidc_roles import matching, values
from app.config import RoleRule, Settings, settings
from app.errors import AppError, Unauthorized
from tests.accounts.oidc_provider.running import (
    CLIENT_ID,
    CLIENT_SECRET,
    Browser,
    Running,
    running,
    signing_key,
)
from tests.accounts.oidc_provider.site import sign_on

NONCE = "n-of-this-log-in"
KEY, FOREIGN, SAME_NAME = signing_key("first"), signing_key("foreign"), signing_key("first")
ALL = JWSRegistry(algorithms=list(JWSRegistry.algorithms))


@pytest.fixture(scope="module")
def started() -> Iterator[Running]:
    with running({}, (KEY,)) as provider:
        yield provider


@pytest.fixture
def provider(started: Running) -> Iterator[Provider]:
    with sign_on(started):
        yield Provider(settings())


def claims(provider: Provider, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    told = {
        "iss": provider.issuer, "aud": CLIENT_ID, "sub": "an", "nonce": NONCE, "iat": now, "exp": now + 300,
    } | changed  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def signed(told: dict[str, Any], key: Any = KEY, alg: str = "RS256", **header: Any) -> dict[str, str]:
    kid = {} if key.kid is None else {"kid": key.kid}
    return {"id_token": jwt.encode({"alg": alg} | kid | header, told, key, registry=ALL)}


def by_hand(told: dict[str, Any], secret: bytes | RSAKey = b"", **header: Any) -> dict[str, str]:
    """Sign where the library would refuse to: with HMAC, with the key, or with nothing."""
    text = f"{_part({'kid': 'first'} | header)}.{_part(told)}"
    if isinstance(secret, RSAKey):
        signature = secret.get_op_key("sign").sign(text.encode(), PKCS1v15(), SHA256())
    else:
        signature = hmac.digest(secret, text.encode(), "sha256") if secret else b""
    return {"id_token": f"{text}.{_base64(signature)}"}


def _part(content: dict[str, Any]) -> str:
    return _base64(json.dumps(content).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_what_the_provider_signs_is_believed(provider: Provider) -> None:
    assert provider.identity(signed(claims(provider)), NONCE)["sub"] == "an"
    assert provider.identity(signed(claims(provider, aud=[CLIENT_ID], azp=CLIENT_ID)), NONCE)["sub"] == "an"
    assert provider.identity(by_hand(claims(provider), KEY, alg="RS256"), NONCE)["sub"] == "an"
    assert provider.identity(signed(claims(provider, exp=int(time.time()) - 30)), NONCE)  # clocks differ


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"}, {"iss": None}, {"iss": ["x"]},
        {"aud": "another-client"}, {"aud": None}, {"aud": []}, {"aud": [CLIENT_ID, "another-client"]},
        {"aud": [CLIENT_ID, "another-client"], "azp": CLIENT_ID}, {"aud": "another-client", "azp": CLIENT_ID},
        {"azp": "another-client"},
        {"exp": 1}, {"exp": None}, {"exp": "9999999999"}, {"exp": True}, {"exp": float("nan")},
        {"iat": 9_999_999_999}, {"iat": None}, {"nbf": 9_999_999_999},
        {"nonce": "of another log-in"}, {"nonce": None}, {"nonce": ""}, {"nonce": [NONCE]},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256}, {"sub": "an\n"}, {"sub": "a\x00n"},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_is_not_for_this_log_in_is_refused(provider: Provider, changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        provider.identity(signed(claims(provider, **changed)), NONCE)


def test_a_signature_of_nobody_or_somebody_else_is_refused(provider: Provider) -> None:
    told = claims(provider)
    good = signed(told)["id_token"]
    head, body, signature = good.split(".")
    forged: dict[str, dict[str, Any]] = {
        "key unknown": signed(told, FOREIGN),
        "key unknown, named like a known one": signed(told, SAME_NAME),
        "key brought along": signed(told, FOREIGN, jwk=FOREIGN.as_dict(private=False), kid="first"),
        "key fetched from the attacker": signed(told, FOREIGN, jku="http://127.0.0.1:1/jwks", kid="first"),
        "another kind of key": signed(told, ECKey.generate_key("P-256", {"kid": "first"}), "ES256"),
        "none": by_hand(told, alg="none"),
        "None": by_hand(told, alg="None"),
        "RS256 without signature": by_hand(told, alg="RS256"),
        "our own secret as the key": by_hand(told, CLIENT_SECRET.encode(), alg="HS256"),
        "the public key as a secret": by_hand(told, KEY.as_pem(private=False), alg="HS256"),
        "critical header not understood": by_hand(told, KEY, alg="RS256", crit=["x"], x=1),
        "other claims under the signature": {"id_token": f"{head}.{_part(told | {'sub': 'chief'})}.{signature}"},
        "cut": {"id_token": f"{head}.{body}."},
        "garbage": {"id_token": "garbage"},
        "not text": {"id_token": 7},
        "no token": {},
        "access token of another answer": signed(claims(provider, at_hash="AAAA")) | {"access_token": "x"},
        "over-long": signed(told | {"x": "y" * 200_000}),
    }
    believed = []
    for name, token in forged.items():
        try:
            believed.append((name, provider.identity(token, NONCE)))
        except AppError as refused:
            assert refused.status in (401, 503), name  # noqa: PT017
    assert believed == []


@pytest.mark.parametrize("kid", ["second", "first"])
def test_keys_are_rotated(kid: str) -> None:
    """A new key is looked for when it is used, and an old one is gone once the keys are read again."""
    old, new = signing_key("first"), signing_key(kid)
    with running({}, (old,)) as before, sign_on(before):
        provider = Provider(settings())
        before_rotation = signed(claims(provider), old)
        assert provider.identity(before_rotation, NONCE)
    with running({}, (new,), port=before.port) as after:
        assert after.issuer == before.issuer
        assert provider.identity(signed(claims(provider), new), NONCE)
        with pytest.raises(Unauthorized):
            provider.identity(before_rotation, NONCE)


def test_keys_and_addresses_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    with running({}) as before, sign_on(before):
        provider = Provider(settings())
        token = signed(claims(provider), before.keys[0])
        assert provider.identity(token, NONCE)
    assert provider.identity(token, NONCE)  # nobody is asked
    monkeypatch.setattr(oidc_client, "FRESH_S", 0)
    with pytest.raises(AppError, match="does not answer"):
        provider.identity(token, NONCE)


def test_userinfo_of_somebody_else_is_refused(provider: Provider) -> None:
    begun = provider.authorization()
    with Browser() as browser:
        back = browser.log_in(begun["url"], "an")
    code = back.partition("code=")[2].partition("&")[0]
    token = provider.fetch_access_token(provider.redirect_url, code=code, code_verifier=begun["code_verifier"])
    assert provider.told(token, {"sub": "an"})["sub"] == "an"
    with pytest.raises(Unauthorized):
        provider.told(token, {"sub": "chief"})


GOOD: dict[str, Any] = {
    "issuer": "https://sso.example", "authorization_endpoint": "https://sso.example/a",
    "token_endpoint": "https://sso.example/t", "jwks_uri": "https://keys.example/jwks",
}  # fmt: skip


def test_of_discovery_only_what_is_used_is_kept() -> None:
    kept = checked(GOOD | {"verify": False, "proxy": "http://evil.example", "userinfo_endpoint": None}, GOOD["issuer"])
    assert {"verify", "proxy", "userinfo_endpoint"}.isdisjoint(kept)
    assert kept["id_token_signing_alg_values_supported"] == ["RS256"]
    assert (
        checked(GOOD | {"token_endpoint_auth_methods_supported": ["client_secret_post"]}, GOOD["issuer"])[
            "token_endpoint_auth_method"
        ]
        == "client_secret_post"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://sso.example/"}, {"issuer": "https://evil.example"}, {"issuer": None},
        {"token_endpoint": "http://sso.example/t"}, {"token_endpoint": "http://127.0.0.1/t"}, {"token_endpoint": 7},
        {"authorization_endpoint": "javascript:alert(1)"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": None},
        {"userinfo_endpoint": "http://sso.example/u"}, {"end_session_endpoint": "//evil.example"},
        {"token_endpoint": "https://user:word@sso.example/t"}, {"jwks_uri": "https://sso.example:port/"},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]}, {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_discovery_document_that_lies_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        checked(GOOD | changed, GOOD["issuer"])


def test_values_are_compared_whole() -> None:
    told = {"groups": ["a", "b c", 7, True, {"x": 1}], "https://x/g": "one", "realm": {"roles": ["r"]}, "n": None}
    assert values(told, "groups") == {"a", "b c", "7"}
    assert values(told, "https://x/g") == {"one"}
    assert values(told, "realm.roles") == {"r"}
    assert values(told, "realm.roles.r") == values(told, "n") == values(told, "none") == frozenset()
    rules = [RoleRule(claim="groups", value=v, role="planner") for v in ("a", "A", "b", "b c", "True")]
    assert [rule.value for rule in matching(told, rules)] == ["a", "b c"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"HATANG_OIDC_ISSUER": "http://sso.example"}, {"HATANG_OIDC_ISSUER": "ftp://127.0.0.1"},
        {"HATANG_OIDC_CLIENT_SECRET": ""}, {"HATANG_OIDC_CLIENT_ID": ""}, {"HATANG_OIDC_SCOPES": "profile"},
        {"HATANG_OIDC_REDIRECT_URL": "http://hatang.example/api/session/oidc/callback"},
        {"HATANG_OIDC_REDIRECT_URL": "https://hatang.example/other"},
        {"HATANG_OIDC_ROLES": '[{"claim": "g", "value": "v", "role": "operator"}]'},
        {"HATANG_OIDC_ROLES": '[{"claim": "g", "value": "v", "role": "planner", "commune": "1"}]'},
        {"HATANG_OIDC_ROLES": '[{"claim": "g", "value": "v", "role": "system"}]'},
    ],
    ids=str,
)  # fmt: skip
def test_configuration_that_would_leak_or_not_work_is_refused(wrong: dict[str, str]) -> None:
    home = "https://hatang.example/api/session/oidc/callback"
    # Undone in the order of the `with`: the test's own monkeypatch would put sign_on's values back after it.
    with sign_on("https://sso.example", REDIRECT_URL=home), pytest.MonkeyPatch.context() as patch:
        assert settings().oidc_issuer == "https://sso.example"
        for name, value in wrong.items():
            patch.setenv(name, value)
        with pytest.raises(ValueError, match=r"OIDC|organisation|commune|role") as refused:
            Settings()
    assert CLIENT_SECRET not in str(refused.value)
