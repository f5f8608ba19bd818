"""The OpenID provider as Authlib speaks to it: discovery, code flow with PKCE, validated ID tokens, userinfo."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.errors import BadSignatureError, JoseError

from app.config import SignOn, is_loopback, is_safe_url, settings
from app.errors import AppError, Unauthorized, Unavailable

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures taken: by a key of the provider's own. Neither `none`, nor HS*, which our own secret would sign."""
FRESH_S = 3600.0
"""How long the provider's addresses and keys are kept; a key not among them is looked for at once."""
LEEWAY_S = 60
"""How far the provider's clock may be off."""
ANSWER_LIMIT_BYTES = 1_000_000
ANSWER_LIMIT_S = 10.0
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")
_OURS = {"invalid_client", "unauthorized_client", "unsupported_grant_type"}
"""Errors of the token endpoint that only our configuration causes."""

log = logging.getLogger("hatang.oidc")
logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG it writes the code verifier


class Misconfigured(Exception):
    """The provider is not what the configuration says; for the log, users are told to ask."""


class Provider(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # Authlib has no types
    """Authlib's framework-free client over httpx2, for one issuer.

    Overridden is only where its answers would be believed too easily: what discovery says, and which signatures,
    audiences and sizes of answer are taken.
    """

    client_cls = OAuth2Client

    def __init__(self, sign_on: SignOn) -> None:
        assert sign_on.oidc_issuer is not None
        self.issuer, self.redirect_url = sign_on.oidc_issuer, sign_on.oidc_redirect_url
        self._read_at = float("-inf")
        super().__init__(
            None,
            client_id=sign_on.oidc_client_id,
            client_secret=sign_on.oidc_client_secret.get_secret_value(),
            server_metadata_url=self.issuer.rstrip("/") + "/.well-known/openid-configuration",
            user_agent="Hatang",
            client_kwargs={
                "scope": sign_on.oidc_scopes,
                "code_challenge_method": "S256",
                "leeway": 0,
                "timeout": sign_on.oidc_timeout_s,
                "follow_redirects": False,
                "trust_env": not is_loopback(self.issuer),  # a proxy cannot reach this machine's own
                "event_hooks": {"response": [_bound]},
            },
        )

    def load_server_metadata(self) -> dict[str, Any]:
        """Return the provider's addresses, read again after an hour, its keys with them."""
        if time.monotonic() - self._read_at > FRESH_S:
            with self._get_session() as client:
                answer = client.request("GET", self._server_metadata_url, withhold_token=True)
            answer.raise_for_status()
            self.server_metadata = checked(answer.json(), self.issuer)
            self._read_at = time.monotonic()
        found: dict[str, Any] = self.server_metadata
        return found

    def authorization(self) -> dict[str, str]:
        """Return a new log-in: url, state, nonce and code_verifier.

        Raises
        ------
        Unavailable
            The provider does not answer, or is not the configured one.
        """
        with _asking("discovery"):
            begun: dict[str, str] = self.create_authorization_url(self.redirect_url)
        return begun

    def redeem(self, code: str, code_verifier: str, nonce: str) -> dict[str, Any]:
        """Exchange `code` for the validated claims of who logged in, userinfo included.

        Raises
        ------
        Unauthorized
            The code, or the token it was exchanged for, is not good for this log-in.
        Unavailable
            The provider does not answer, or is not the configured one.
        """
        with _asking("token"):
            token = self.fetch_access_token(self.redirect_url, code=code, code_verifier=code_verifier)
        claims = self.identity(token, nonce)
        return self.told(token, claims) | claims

    def identity(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Return the claims of `token`'s ID token once signature, iss, aud, azp, exp, iat, nonce and sub are right."""
        assert nonce, "an empty nonce would not be compared"
        with _asking("id_token"):
            try:
                claims = self._parsed(token, nonce)
            except BadSignatureError:  # a new key under the old name
                self.fetch_jwk_set(force=True)
                claims = self._parsed(token, nonce)
        audience, subject = claims["aud"], claims["sub"]
        if audience not in (self.client_id, [self.client_id]):  # OpenID Connect Core 3.1.3.7: no other we do not know
            raise _refused("aud")
        if not 0 < len(subject) <= 255 or not subject.isprintable():
            raise _refused("sub")
        return claims

    def _parsed(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        required = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }
        claims = self.parse_id_token(token, nonce, required, leeway=LEEWAY_S)
        if claims is None:
            raise _refused("no id_token")
        return dict(claims)

    def told(self, token: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return what userinfo says of the person of `claims`; nothing where the provider has none."""
        with _asking("userinfo"):
            if "userinfo_endpoint" not in self.load_server_metadata():
                return {}
            told = dict(self.userinfo(token=token))
        if told.get("sub") != claims["sub"]:  # OpenID Connect Core 5.3.2
            raise _refused("sub of userinfo")
        return told

    def names_itself(self) -> bool:
        """Say whether the provider promises to name itself in each of its answers (RFC 9207)."""
        with _asking("discovery"):
            return bool(self.load_server_metadata()["names_itself"])

    def end_session_url(self, back_to: str) -> str | None:
        """Return where to end the provider's own session (RP-initiated logout), None when it has no such place."""
        try:
            with _asking("discovery"):
                if "end_session_endpoint" not in self.load_server_metadata():
                    return None
                ended = self.create_logout_url(back_to, client_id=self.client_id)
        except Unavailable:
            return None  # ours is ended; theirs cannot be reached
        return str(ended["url"])


def provider() -> Provider | None:
    """Return the configured provider, None while there is none."""
    now = settings()
    return None if now.oidc_issuer is None else _provider(SignOn(**now.model_dump(include=set(SignOn.model_fields))))


@lru_cache(maxsize=1)
def _provider(sign_on: SignOn) -> Provider:
    return Provider(sign_on)


def checked(told: Any, issuer: str) -> dict[str, Any]:
    """Return what is used of the discovery document `told`, and nothing else of it.

    Raises
    ------
    Misconfigured
        It is another issuer's, sends secrets over an open line, or lacks S256 or a signature we take.
    """
    if not isinstance(told, dict) or told.get("issuer") != issuer:
        raise Misconfigured(f"the discovery document is not of the issuer {issuer}")
    used = {"issuer": issuer}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", *_OPTIONAL):
        url = told.get(name)
        if url is None and name in _OPTIONAL:
            continue
        if not isinstance(url, str) or not _as_safe(url, issuer):
            raise Misconfigured(f"{name} is missing or not https")
        used[name] = url
    signed = [a for a in ALGORITHMS if a in told.get("id_token_signing_alg_values_supported", ["RS256"])]
    if not signed:
        raise Misconfigured("no ID token signature that is taken here: " + ", ".join(ALGORITHMS))
    if "S256" not in told.get("code_challenge_methods_supported", ["S256"]):
        raise Misconfigured("no PKCE with S256")
    methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    basic = "client_secret_basic" in methods
    return used | {
        "id_token_signing_alg_values_supported": signed,
        "token_endpoint_auth_method": "client_secret_basic" if basic else "client_secret_post",
        "names_itself": told.get("authorization_response_iss_parameter_supported") is True,
    }


def _as_safe(url: str, issuer: str) -> bool:
    return is_safe_url(url) and (urlsplit(url).scheme == "https" or is_loopback(issuer))


class _Bounded(httpx2.SyncByteStream):
    """An answer that may neither be longer nor take longer than any of a provider's."""

    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self.stream, self.left, self.until = stream, ANSWER_LIMIT_BYTES, time.monotonic() + ANSWER_LIMIT_S

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.stream:
            self.left -= len(chunk)
            if self.left < 0 or time.monotonic() > self.until:
                raise httpx2.ReadTimeout("the answer is too long or too slow")
            yield chunk

    def close(self) -> None:
        self.stream.close()


def _bound(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.SyncByteStream)
    response.stream = _Bounded(response.stream)


@contextmanager
def _asking(step: str) -> Iterator[None]:
    """Turn what goes wrong with the provider into a refusal that repeats none of its words; the log says which."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        log.warning("OpenID provider, %s: %s", step, type(error).__name__)
        raise _unavailable() from None
    except OAuthError as error:
        if error.error in _OURS:
            log.error("OpenID provider, %s: %s; see HATANG_OIDC_CLIENT_ID and _CLIENT_SECRET", step, error.error)
            raise _misconfigured() from None
        raise _refused(f"{step}: {type(error).__name__}") from None
    except JoseError as error:
        raise _refused(f"{step}: {type(error).__name__} {getattr(error, 'claim', '')}") from None
    except Misconfigured as error:
        log.error("OpenID provider, %s: %s", step, error)
        raise _misconfigured() from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # an answer that is not what it should be
        log.warning("OpenID provider, %s: unreadable answer: %s", step, type(error).__name__)
        raise _unavailable() from None


def _refused(why: str) -> AppError:
    log.warning("OpenID log-in refused: %s", why)
    return Unauthorized(
        "sign_on_failed",
        "Hệ thống đăng nhập một lần không xác nhận được lần đăng nhập này; hãy đăng nhập lại",
        "The single sign-on did not confirm this log-in; sign in again",
    )


def _unavailable() -> AppError:
    return Unavailable(
        "sign_on_unavailable",
        "Hệ thống đăng nhập một lần không trả lời; hãy thử lại sau hoặc đăng nhập bằng mật khẩu",
        "The single sign-on does not answer; try again later or sign in with a password",
    )


def _misconfigured() -> AppError:
    return Unavailable(
        "sign_on_misconfigured",
        "Đăng nhập một lần được cấu hình sai; hãy báo quản trị viên xem nhật ký",
        "The single sign-on is configured wrongly; tell the administrator to see the log",
    )
