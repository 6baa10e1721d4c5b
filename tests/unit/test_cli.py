"""The command line: what it prints, what it refuses, and how it starts and stops a real server."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from convex_mastra import cli
from convex_mastra.cli.app import app
from convex_mastra.cli.dev import Settings
from convex_mastra.cli.welcome import welcome

COMMAND = [sys.executable, "-W", "error", "-c", "from convex_mastra.cli import main; main()"]
GIVEN_KEY = "mine|5ec2e7"
INSERT = {
    "path": "mastra/storage:handle",
    "args": {
        "op": "insert",
        "tableName": "mastra_resources",
        "record": {
            "id": "r1",
            "workingMemory": "likes tea",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "updatedAt": "2026-01-01T00:00:00.000Z",
        },
    },
}
LOAD = {
    "path": "mastra/storage:handle",
    "args": {"op": "load", "tableName": "mastra_resources", "keys": {"id": "r1"}},
}

runner = CliRunner()


def unwrapped(text: str) -> str:
    """Return what a help or error page says, without its boxes and line breaks."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


@contextmanager
def dev(
    *options: str, directory: Path, key: str | None = None
) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """Start ``convex-mastra dev``; yield what it printed on starting, its URL, and the process."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("CONVEX")}
    if key is not None:
        environment["CONVEX_ADMIN_KEY"] = key
    process = subprocess.Popen(
        [*COMMAND, "dev", *options],
        cwd=directory,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        printed = ""
        while "Ctrl-C" not in printed:
            line = process.stdout.readline()
            assert line, f"it ended: {process.communicate()}"
            printed += line
        [url] = re.findall(r"CONVEX_URL='(http://[^']+)'", printed)
        yield printed, url, process
    finally:
        process.kill()
        process.communicate()


def test_dev_serves_until_ctrl_c_and_keeps_everything(tmp_path: Path) -> None:
    with dev("--port", "0", directory=tmp_path) as (printed, url, process):
        [key] = re.findall(r"export CONVEX_ADMIN_KEY='(convex-mastra\|[0-9a-f]{64})'\n", printed)
        with httpx.Client(base_url=url, headers={"Authorization": f"Convex {key}"}) as client:
            assert client.get("/api/check_admin_key").json()["success"] is True
            assert client.get("/instance_name").text == "convex-mastra"
            assert client.post("/api/mutation", json=INSERT).json()["value"]["ok"] is True
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")
        assert rest == "\nStopped; everything is in mastra.db.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mastra.db"]  # closed: no WAL is left
    with sqlite3.connect(tmp_path / "mastra.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    with dev("--port", "0", directory=tmp_path) as (_, url, _process):
        found = httpx.post(f"{url}/api/mutation", json=LOAD).json()["value"]["result"]
        assert found["workingMemory"] == "likes tea"


def test_sigterm_closes_the_database_too(tmp_path: Path) -> None:
    database = tmp_path / "some.db"
    with dev("--port", "0", "--db", str(database), directory=tmp_path) as (_, url, process):
        assert httpx.post(f"{url}/api/mutation", json=INSERT).json()["value"]["ok"] is True
        process.terminate()
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (-signal.SIGTERM, "")
    assert [path.name for path in tmp_path.iterdir()] == ["some.db"]


@pytest.mark.parametrize("by_option", [True, False])
def test_a_given_key_is_used_and_never_printed(tmp_path: Path, by_option: bool) -> None:
    options = [
        "--port",
        "0",
        "--db",
        ":memory:",
        *(["--admin-key", GIVEN_KEY] if by_option else []),
    ]
    environment_key = None if by_option else GIVEN_KEY
    with dev(*options, directory=tmp_path, key=environment_key) as (printed, url, process):
        check = f"{url}/api/check_admin_key"
        assert httpx.get(check, headers={"Authorization": f"Convex {GIVEN_KEY}"}).is_success
        assert httpx.get(check, params={"adminKey": GIVEN_KEY}).is_success
        assert httpx.get(check, headers={"Authorization": "Convex mine|00"}).status_code == 401
        assert httpx.post(f"{url}/api/mutation", content=GIVEN_KEY).status_code == 400
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "5ec2e7" not in printed + rest + errors
        assert "nothing was kept" in rest
    assert list(tmp_path.iterdir()) == []


def test_a_busy_port_is_said_clearly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = runner.invoke(app, ["dev", "--port", port, "--db", str(tmp_path / "x.db")])
    assert result.exit_code == 1
    said = unwrapped(result.stderr)
    assert f"port {port} on 127.0.0.1 is already in use" in said
    assert "--port 0" in said
    assert not list(tmp_path.iterdir())


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("not a database, though long enough to be looked at " * 40)
    for path in (tmp_path / "no" / "such" / "directory.db", foreign):
        result = runner.invoke(app, ["dev", "--port", "0", "--db", str(path)])
        assert result.exit_code == 1
        assert f"cannot open {path}" in unwrapped(result.stderr)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--host", "no.such.host.invalid"], "not an address"),
        (["--admin-key", "5ec2e7\nlines"], "printable"),
        (["--admin-key", " "], "printable"),
        (["--port", "70000"], "65535"),
    ],
)
def test_wrong_usage_exits_2(tmp_path: Path, options: list[str], said: str) -> None:
    database = tmp_path / "x.db"
    result = runner.invoke(app, ["dev", "--port", "0", "--db", str(database), *options])
    assert result.exit_code == 2
    assert said in unwrapped(result.stderr)
    assert "5ec2e7" not in result.stderr
    assert not database.exists()


def test_a_remote_host_when_it_is_meant(tmp_path: Path) -> None:
    options = ("--port", "0", "--host", "0.0.0.0", "--allow-remote")
    with dev(*options, directory=tmp_path) as (printed, url, _):
        assert "Other machines can reach this server." in printed
        local = f"http://127.0.0.1:{httpx.URL(url).port}"
        assert httpx.post(f"{local}/api/mutation", json=LOAD).status_code == 403


def test_version_and_help() -> None:
    assert runner.invoke(app, ["--version"]).stdout == f"convex-mastra {version('convex-mastra')}\n"
    overview = runner.invoke(app, ["--help"])
    assert overview.exit_code == 0
    assert "Serve a local database as a Convex deployment" in unwrapped(overview.stdout)
    options = runner.invoke(app, ["dev", "--help"])
    for option in ("--db", "--port", "--host", "--admin-key", "--allow-remote", "CONVEX_ADMIN_KEY"):
        assert option in options.stdout


def test_help_does_not_show_the_key_of_the_environment() -> None:
    result = runner.invoke(app, ["dev", "--help"], env={"CONVEX_ADMIN_KEY": GIVEN_KEY})
    assert "5ec2e7" not in result.stdout


def test_settings_do_not_show_the_key() -> None:
    settings = Settings(database="x", host="h", port=1, admin_key=GIVEN_KEY, allow_remote=False)
    assert "5ec2e7" not in repr(settings)


def test_the_typescript_snippet_reads_the_variables_printed() -> None:
    text = welcome(url="http://h:1", database="m.db", new_key="n|0", loopback_only=True)
    for variable in ("CONVEX_URL", "CONVEX_ADMIN_KEY"):
        assert f"process.env.{variable}!" in text
        assert re.search(rf"^ *\S+ ?{variable}", text, re.MULTILINE) or f"env:{variable}" in text


def run_without(module: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules[{module!r}] = None; from convex_mastra.cli import main; main()"
    command = [sys.executable, "-W", "error", "-c", code, "--version"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("missing", ["typer", "uvicorn", "starlette"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    result = run_without(missing)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == cli.MISSING_EXTRA
    assert result.stderr.count("\n") == 1
    assert "pip install 'convex-mastra[cli]'" in result.stderr


def test_another_missing_module_is_not_hidden() -> None:
    result = run_without("convex_mastra.cli.welcome")
    assert result.returncode == 1
    assert "ModuleNotFoundError" in result.stderr
