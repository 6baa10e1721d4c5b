"""Which backend is meant, and what is refused before anything is opened."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convex_mastra import (
    ConfigurationError,
    ConvexNativeVector,
    ConvexStore,
    Options,
    open_backend,
)
from convex_mastra.config import Embedded, Remote, Secret, locate

KEY = "name|0123"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (":memory:", ":memory:"),
        ("file:./mastra.db", "./mastra.db"),
        ("file:mastra.db", "mastra.db"),
        ("file:/var/lib/mastra.db", "/var/lib/mastra.db"),
        ("file:///var/lib/with%20space.db", "/var/lib/with space.db"),
        ("file://localhost/x.db", "/x.db"),
    ],
)
def test_embedded_places(url: str, path: str) -> None:
    assert locate(url, None, environment={}) == Embedded(path)
    assert locate(None, None, environment={"CONVEX_URL": url}) == Embedded(path)


@pytest.mark.parametrize(
    ("arguments", "environment", "url", "key"),
    [
        (("https://a.convex.cloud/", KEY), {}, "https://a.convex.cloud", KEY),
        ((None, None), {"CONVEX_URL": "https://a", "CONVEX_ADMIN_KEY": "k"}, "https://a", "k"),
        (
            (None, None),
            {"CONVEX_SELF_HOSTED_URL": "https://s", "CONVEX_SELF_HOSTED_ADMIN_KEY": "sk"},
            "https://s",
            "sk",
        ),
        (
            (None, None),
            {
                "CONVEX_URL": "https://a",
                "CONVEX_ADMIN_KEY": "k",
                "CONVEX_SELF_HOSTED_URL": "https://s",
                "CONVEX_SELF_HOSTED_ADMIN_KEY": "sk",
            },
            "https://a",
            "k",
        ),
        (("https://a", None), {"CONVEX_SELF_HOSTED_ADMIN_KEY": "sk"}, "https://a", "sk"),
        ((None, KEY), {"CONVEX_URL": "https://a", "CONVEX_ADMIN_KEY": "k"}, "https://a", KEY),
        (("http://127.0.0.1:3210", KEY), {}, "http://127.0.0.1:3210", KEY),
        (("http://[::1]:3210", KEY), {}, "http://[::1]:3210", KEY),
        (("http://localhost:3210", KEY), {}, "http://localhost:3210", KEY),
        # the scheme decides whether certificates are checked, so it has one spelling
        (("HTTPS://A.convex.cloud", KEY), {}, "https://A.convex.cloud", KEY),
        ((" https://a/prefix/ \n", f" {KEY}\n"), {}, "https://a/prefix", KEY),
    ],
)
def test_deployments(
    arguments: tuple[str | None, str | None], environment: dict[str, str], url: str, key: str
) -> None:
    assert locate(*arguments, environment=environment) == Remote(url, Secret(key))


@pytest.mark.parametrize(
    ("url", "key", "environment", "text"),
    [
        (None, None, {}, r"CONVEX_URL=file:\./mastra\.db"),
        (None, KEY, {"CONVEX_URL": ""}, "No Convex deployment is named"),
        ("https://a", None, {}, "CONVEX_ADMIN_KEY or CONVEX_SELF_HOSTED_ADMIN_KEY"),
        # a key is never borrowed from another deployment's pair
        (None, None, {"CONVEX_URL": "https://a", "CONVEX_SELF_HOSTED_ADMIN_KEY": "k"}, "No admin"),
        ("http://example.com", KEY, {}, "unencrypted"),
        ("http://10.0.0.1:3210", KEY, {}, "allow_insecure_http"),
        ("ftp://a", KEY, {}, "must begin with"),
        ("a.convex.cloud", KEY, {}, "must begin with"),
        ("https://a:99999", KEY, {}, "is no URL"),
        ("https://[::1", KEY, {}, "is no URL"),
        ("https://a b", KEY, {}, "is no URL"),
        ("https://a", "  ", {}, "No admin key"),
        ("https://user:secret@a", KEY, {}, "must not carry credentials"),
        ("https://a?adminKey=secret", KEY, {}, "must not carry credentials"),
        ("file:", None, {}, "names no file"),
        ("file:dir/", None, {}, "names no file"),
        ("file:./a.db?mode=ro", None, {}, "has a query or fragment"),
        ("file://server/x.db", None, {}, "names the host"),
        ("https://a", "ke\ny", {}, "character that no key has"),
        ("mastra.db", None, {}, "deployment_url must begin .* as in file:"),
        (None, None, {"CONVEX_URL": "mastra.db"}, "CONVEX_URL must begin"),
        (Path("mastra.db"), None, {}, "deployment_url must be a text, not .*Path. Write .* file:"),
        ("https://a", b"secret", {}, "admin_auth_token must be a text, not bytes"),
    ],
)
def test_refused_places(url: Any, key: Any, environment: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        locate(url, key, environment=environment)
    assert "secret" not in str(caught.value)


def test_what_names_no_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONVEX_URL", "CONVEX_SELF_HOSTED_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=r"CONVEX_URL=file:\./mastra\.db"):
        ConvexStore()


def test_plain_http_can_be_allowed() -> None:
    place = locate("http://10.0.0.1", KEY, allow_insecure_http=True, environment={})
    assert place == Remote("http://10.0.0.1", Secret(KEY))


def test_a_key_is_hidden_in_what_quotes_it() -> None:
    secret = Secret("name|0123456789")
    quoted = {"name|0123456789": ["Convex name|0123456789", "0123456789", 1, None, "name"]}
    assert secret.hidden_in(quoted) == {"***": ["Convex ***", "***", 1, None, "name"]}
    assert Secret("a|b").hidden_in("a|b, a bad key") == "a|b, a bad key"


def test_a_secret_shows_nowhere() -> None:
    secret = Secret("hush")
    assert "hush" not in f"{secret} {secret!r} {Remote('https://a', secret)!r}"
    assert secret.reveal() == "hush"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_s": 0},
        {"connect_timeout_s": -1},
        {"retry_attempts": 0},
        {"max_in_flight": 0},
        {"retry_budget_s": -0.1},
        {"timeout_s": float("nan")},
        {"timeout_s": float("inf")},
        {"timeout_s": "10"},
        {"retry_attempts": None},
    ],
)
def test_refused_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Options(**options)


@pytest.mark.parametrize(
    ("open_it", "text"),
    [
        (lambda: ConvexStore(":memory:", options={"timeout_s": 1}), "options must be Options"),
        (lambda: ConvexStore(backend=":memory:"), "what open_backend returns, .* is of type str"),
        (
            lambda: ConvexStore(backend=ConvexStore(":memory:")),
            "the backend of another object; it is of type ConvexStore",
        ),
        (lambda: ConvexNativeVector(":memory:"), "indexes must be a mapping"),
    ],
)
def test_what_is_no_configuration(open_it: Callable[[], Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        open_it()


def test_opening_does_nothing_yet(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("db") / "new.db"
    open_backend(f"file:{path}").close()
    assert not path.exists()
