"""The ``convex/`` folder is one that Convex's command line can deploy, with pinned packages."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.interop.node import REPOSITORY, node_executable

CONVEX = REPOSITORY / "convex"
FUNCTIONS = CONVEX / json.loads((CONVEX / "convex.json").read_text())["functions"]
GENERATED = FUNCTIONS / "_generated"
MODULES = sorted(path for path in FUNCTIONS.rglob("*.ts") if not path.is_relative_to(GENERATED))


def test_the_functions_folder_holds_functions_only() -> None:
    """The command line deploys every script below this folder, installed packages included."""
    names = {path.relative_to(FUNCTIONS).as_posix() for path in MODULES}
    required = {"schema.ts", "mastra/storage.ts", "mastra/cache.ts", "mastra/nativeVector.ts"}
    assert required <= names
    assert not (FUNCTIONS / "package.json").exists()
    assert not (FUNCTIONS / "node_modules").exists()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(FUNCTIONS).as_posix())
def test_a_module_bundles_for_the_convex_runtime(module: Path, tmp_path: Path) -> None:
    """That runtime has no Node.js modules: with this platform, importing one is an error."""
    bundle = tmp_path / "bundle.js"
    options = ["--bundle", "--platform=browser", "--format=esm", "--conditions=convex,module"]
    esbuild = REPOSITORY / "node_modules" / "esbuild" / "bin" / "esbuild"
    done = subprocess.run(
        [node_executable(), esbuild, module, *options, f"--outfile={bundle}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^export \{", bundle.read_text(encoding="utf-8"), re.MULTILINE)


EXPORTED_ARGUMENTS = """
import * as mastra from "@mastra/convex/server";
import * as deployed from "./src/mastra/nativeVector.ts";
const args = (functions) =>
  Object.fromEntries(
    Object.entries(functions)
      .filter(([, one]) => typeof one.exportArgs === "function")
      .map(([name, one]) => [name, JSON.parse(one.exportArgs())]),
  );
console.log(JSON.stringify([args(mastra), args(deployed)]));
"""


def test_arguments_are_declared_as_convex_takes_them() -> None:
    """Its backend refuses to deploy a function whose arguments have a field like ``$or``."""
    done = subprocess.run(
        [node_executable(), "--input-type=module", "--eval", EXPORTED_ARGUMENTS],
        cwd=CONVEX,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    mastra, deployed = json.loads(done.stdout)
    declared = re.findall(r'"([^"]+)": \{"fieldType"', json.dumps(deployed))
    assert {"config", "op", "filter"} <= set(declared)
    assert [name for name in declared if not re.fullmatch(r"[A-Za-z_]\w*", name)] == []
    # But for that field, they are Mastra's.
    of_action = mastra["mastraNativeVectorAction"]
    alternatives = of_action["value"]["filter"]["fieldType"]["value"]
    assert [list(one["value"]) for one in alternatives] == [["field", "value"], ["$or"]]
    of_action["value"]["filter"]["fieldType"] = alternatives[0]
    assert deployed == {
        "query": of_action,
        "read": mastra["mastraNativeVectorQuery"],
        "write": mastra["mastraNativeVectorMutation"],
    }


@pytest.mark.parametrize(
    "manifest", ["package.json", "convex/package.json", "tests/node/package.json"]
)
def test_packages_are_pinned(manifest: str) -> None:
    package = json.loads((REPOSITORY / manifest).read_text())
    versions = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    assert versions
    assert [
        name
        for name, version in versions.items()
        if not re.fullmatch(r"(npm:@[\w/-]+@)?\d[\w.-]*", version)
    ] == []


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((REPOSITORY / "package-lock.json").read_text())
    addresses = [entry.get("resolved", "") for entry in lock["packages"].values()]
    assert [address for address in addresses if "://" in address] == []
    installed = [entry for path, entry in lock["packages"].items() if "node_modules/" in path]
    assert all("integrity" in entry or entry.get("link") for entry in installed)
