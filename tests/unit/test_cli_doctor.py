"""``convex-mastra doctor``: what it prints, how it ends, and that it never shows the key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from convex_mastra import ConvexStore
from convex_mastra.cli.app import app
from convex_mastra.config import ENVIRONMENT_PAIRS
from convex_mastra.server import serve
from tests.scripted import ADMIN_KEY, Reply, ScriptedDeployment, scripted_deployment, success

SECRET = ADMIN_KEY.partition("|")[2]
EVERY_VARIABLE = {name: None for pair in ENVIRONMENT_PAIRS for name in pair}


def doctor(*options: str, url: str | None = None, key: str | None = None) -> Result:
    environment = EVERY_VARIABLE | {"CONVEX_URL": url, "CONVEX_ADMIN_KEY": key}
    result = CliRunner().invoke(app, ["doctor", *options], env=environment)
    assert SECRET not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr == ""
    return result


@pytest.fixture
def dev_server() -> Iterator[str]:
    with ConvexStore(":memory:") as store, serve(store.backend, ADMIN_KEY) as url:
        yield url


@pytest.fixture
def deployment() -> Iterator[ScriptedDeployment]:
    with scripted_deployment() as running:
        yield running


def test_a_deployment_without_problems(dev_server: str) -> None:
    result = doctor(url=dev_server, key=ADMIN_KEY)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok  deployment        answers as Convex does, server ")
    assert lines[1] == "ok  key               accepted"
    assert "mastra/storage:handle, with the operations of @mastra/convex 1.4.0" in lines[2]
    assert "!!" not in result.stdout
    assert "To do" not in result.stdout
    assert all(re.match(r"(ok|--|\?\?)  [a-z]", line) for line in lines)


def test_the_option_wins_over_the_environment(dev_server: str) -> None:
    assert doctor("--url", dev_server, url="http://127.0.0.1:1", key=ADMIN_KEY).exit_code == 0


def test_a_wrong_key(dev_server: str) -> None:
    result = doctor(url=dev_server, key=f"{ADMIN_KEY}00")
    assert result.exit_code == 1
    assert "!!  key               refused" in result.stdout
    assert "\nkey_refused\n" in result.stdout
    assert result.stdout.count("To do: ") == 1


def test_no_key(dev_server: str) -> None:
    result = doctor(url=dev_server)
    assert result.exit_code == 1
    assert "\nconfiguration\n" in result.stdout
    assert "CONVEX_ADMIN_KEY" in result.stdout


def test_no_deployment_is_named() -> None:
    result = doctor()
    assert result.exit_code == 1
    assert "CONVEX_URL" in result.stdout


@pytest.mark.parametrize(
    "url", ["https://[::1", "https://two..dots", "https://\N{SNOWMAN}", "ftp://x", "nothing"]
)
def test_a_url_that_is_none(url: str) -> None:
    result = doctor("--url", url, key=ADMIN_KEY)
    assert result.exit_code == 1
    assert "\nconfiguration\n" in result.stdout


def test_a_web_server_that_repeats_what_it_is_sent(deployment: ScriptedDeployment) -> None:
    deployment.script = lambda seen: Reply(f"<html>{seen.headers}</html>".encode(), 404)
    result = doctor(url=deployment.url, key=ADMIN_KEY)
    assert result.exit_code == 1
    assert "\nnot_convex\n" in result.stdout


def test_the_storage_function_is_an_option(deployment: ScriptedDeployment) -> None:
    deployment.script = lambda _seen: success({"ok": True, "result": None})
    doctor("--storage-function", "agents/storage:handle", url=deployment.url, key=ADMIN_KEY)
    paths = {seen.body["path"] for seen in deployment.seen if seen.path == "/api/mutation"}
    assert paths == {"agents/storage:handle"}


def test_json(dev_server: str) -> None:
    result = doctor("--json", url=dev_server, key=ADMIN_KEY)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["ok"], found["problems"], found["key_accepted"]) == (True, [], True)
    assert found["functions"]["mastra/storage:handle"] is True
    assert found["tables"]["mastra_threads"] is True


def test_json_with_problems(tmp_path: Path) -> None:
    result = doctor("--json", url=f"file:{tmp_path}/typo.db")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["ok"] is False
    [problem] = found["problems"]
    assert set(problem) == {"code", "what", "remedy"}
    assert problem["code"] == "file_missing"
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_no_option() -> None:
    result = CliRunner().invoke(app, ["doctor", "--admin-key", ADMIN_KEY])
    assert result.exit_code == 2
    assert SECRET not in result.output
