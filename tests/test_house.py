"""The rules of the house: who may import whom, what is public, and that the papers are true."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import lrp_core

REPOSITORY = Path(__file__).resolve().parents[1]
CODE = ("app", "lrp_core")
SOURCES = sorted(path for folder in CODE for path in (REPOSITORY / folder).rglob("*.py"))
ALL_SOURCES = SOURCES + sorted((REPOSITORY / "tests").rglob("*.py"))
WEB = {"fastapi", "starlette", "uvicorn", "gunicorn", "a2wsgi", "httpx", "dash", "flask", "plotly"}

# What each module of lrp_core may import of lrp_core, in the order in which data walks through:
# a module knows only modules of rows above its own.
ROWS = (
    ("errors", "allocator", "web_address"),
    ("padding",),
    (
        *("settings", "embedded", "features", "file_kind", "folder", "kinematics", "labels"),
        *("limits", "pickled", "source_faults"),
        *("truth", "watching"),
    ),
    ("simulation", "tensor_file"),
    ("jets", "subjets", "root_source", "parquet_pages"),
    ("root_branches",),
    ("root_file", "prong_shares"),
    ("parquet_file",),
    ("reading",),
    ("jet_arrays",),
    ("evaluation",),
    ("rules", "products", "edge_set"),
    ("steps", "explanation", "pair_table"),
    ("figures",),
    ("propagation", "interaction_network", "ledger_book", "edge_rows", "found"),
    ("comparison", "fused_forward", "fast_edges", "zero_path"),
    ("fast_path",),
    ("training", "weights"),
    ("model",),
    ("reference", "tape"),
    ("checkpoint",),
    ("explainer", "relevance_file"),
    ("streaming",),
    ("service",),
    ("commands",),
)


def name_of(path: Path) -> str:
    """Dotted name of the module that a file holds."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Dotted names that a file imports when it runs; imports for type checkers do not count."""
    names: set[str] = set()
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]

    def is_for_types(node: ast.If) -> bool:
        return "TYPE_CHECKING" in ast.unparse(node.test)

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            # "from lrp_core import rules" imports the module lrp_core.rules
            for alias in node.names:
                inner = REPOSITORY / Path(*base.split(".")) / alias.name
                is_module = inner.with_suffix(".py").is_file() or inner.is_dir()
                names.add(f"{base}.{alias.name}" if is_module else base)
        elif isinstance(node, ast.If) and is_for_types(node):
            for child in node.orelse:
                walk(child)
        elif not (top_level_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            for child in ast.iter_child_nodes(node):
                walk(child)

    walk(ast.parse(path.read_text("utf-8"), str(path)))
    return names


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def files_of(package: str) -> list[Path]:
    return [path for path in SOURCES if within(name_of(path), package)]


def test_the_checks_see_the_code() -> None:
    assert len(files_of("lrp_core")) > 10
    assert len(files_of("app")) > 5
    assert "lrp_core.errors" in imports_of(REPOSITORY / "lrp_core" / "jets.py")


def test_lrp_core_never_imports_the_app() -> None:
    wrong = {
        name_of(path): imported
        for path in files_of("lrp_core")
        for imported in imports_of(path)
        if within(imported, "app")
    }
    assert not wrong


# Plotly is known to the figures for notebooks alone, which are loaded when one is asked for.
NOTEBOOK = "lrp_core.figures.notebook"


def test_only_the_service_knows_the_web() -> None:
    wrong = [
        (name_of(path), imported)
        for path in files_of("lrp_core")
        if not within(name_of(path), "lrp_core.service")
        for imported in imports_of(path)
        if imported.split(".")[0] in WEB
        and (name_of(path), imported.split(".")[0]) != (NOTEBOOK, "plotly")
    ]
    assert not wrong
    loading = [
        name_of(path)
        for path in SOURCES
        if any(within(name, NOTEBOOK) for name in imports_of(path, top_level_only=True))
    ]
    assert not loading


def test_lrp_core_imports_upwards_only() -> None:
    row_of = {name: number for number, row in enumerate(ROWS) for name in row}
    found = {
        name_of(path).split(".")[1] for path in files_of("lrp_core") if name_of(path) != "lrp_core"
    }
    assert found == set(row_of), (
        "a module of lrp_core without a row here, or a row without its module"
    )
    wrong = []
    for path in files_of("lrp_core"):
        own = name_of(path).split(".")
        if len(own) == 1:
            continue
        for imported in imports_of(path):
            other = imported.split(".")
            if other[0] != "lrp_core":
                continue
            if own[1] == "explanation" and within(imported, "lrp_core.figures"):
                continue  # its methods that draw: loaded when they are called
            if len(other) == 1 and own[1] != "commands":
                # Names of the package itself come from below; only the commands are users of it.
                wrong.append((name_of(path), imported))
            elif len(other) > 1 and other[1] != own[1] and row_of[other[1]] >= row_of[own[1]]:
                wrong.append((name_of(path), imported))
    assert not wrong


def test_the_app_reaches_the_core_through_the_service_only() -> None:
    allowed = (
        "lrp_core.errors",
        "lrp_core.limits",
        "lrp_core.figures",
        "lrp_core.service.schemas",
        "lrp_core.settings",
        "lrp_core.watching",
        "lrp_core.web_address",
        "lrp_core.commands",
    )
    wrong = []
    for path in files_of("app"):
        own = name_of(path)
        for imported in imports_of(path):
            if within(imported, "torch") or within(imported, "torch_geometric"):
                wrong.append((own, imported))
            elif own in ("app.serve", "app.cli", "app.asgi"):
                continue
            elif within(imported, "lrp_core") and not any(within(imported, a) for a in allowed):
                wrong.append((own, imported))
        for imported in imports_of(path, top_level_only=True):
            if within(imported, "lrp_core.service.api"):
                wrong.append((own, imported))
    assert not wrong


def test_panels_do_not_import_each_other() -> None:
    panels = files_of("app.panels")
    wrong = [
        (name_of(path), imported)
        for path in panels
        for imported in imports_of(path)
        if within(imported, "app.panels") and path.name != "__init__.py"
    ]
    assert not wrong


@pytest.mark.parametrize(
    "module",
    [
        "lrp_core",
        "lrp_core.figures.network",
        "lrp_core.figures.notebook",
        "lrp_core.service.schemas",
        "app.main",
        "app.client",
    ],
)
def test_importing_pulls_in_no_torch(module: str) -> None:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    assert ran.returncode == 0, ran.stderr
    loaded = json.loads(ran.stdout)
    assert module in loaded
    assert not {"torch", "torch_geometric"} & set(loaded)


def test_public_names_resolve_and_say_what_they_are() -> None:
    assert len(set(lrp_core.__all__)) == len(lrp_core.__all__)
    for name in lrp_core.__all__:
        thing = getattr(lrp_core, name)
        if callable(thing):
            assert (thing.__doc__ or "").strip(), f"lrp_core.{name} has no docstring"
    assert set(lrp_core.__all__) <= set(dir(lrp_core))


@pytest.mark.parametrize("path", ALL_SOURCES, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_every_file_says_what_it_is(path: Path) -> None:
    source = path.read_text("utf-8")
    if path.name == "__init__.py" and not source.strip():
        return
    assert ast.get_docstring(ast.parse(source)), f"{path} has no module docstring"


def test_nothing_of_the_shared_data_is_kept_here(cms_data: Path) -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of its files")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    kept = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    assert len(kept) > 20
    shared = {path for path in cms_data.iterdir() if path.is_file()}
    names = {path.name for path in shared} - {"README.md", "definitions.yml"}  # names of our own
    contents = {hashlib.sha256(path.read_bytes()).digest() for path in shared}
    same = [
        path
        for path in kept
        if path.name in names
        or (path.is_file() and hashlib.sha256(path.read_bytes()).digest() in contents)
    ]
    assert not same


def distribution(requirement: str) -> str:
    """The name in a requirement, in the one spelling of names: "Foo_Bar[x]>=1" -> "foo-bar"."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement.strip())[0]).lower()


def test_what_is_installed_is_what_is_used() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    required = {distribution(requirement) for requirement in project["dependencies"]}
    homes = packages_distributions()
    used = {
        distribution(home)
        for path in SOURCES
        for imported in imports_of(path)
        for home in homes.get(imported.split(".")[0], [])
    }
    extra = {distribution(one) for one in project["optional-dependencies"]["export"]}
    required |= extra  # imported where a format needs it
    through_fastapi = {"starlette", "pydantic-core"}
    not_imported = {"fastapi-swagger", "gunicorn"}  # files of a page, and a program
    assert used - required - through_fastapi - {"jetlrp"} == set(), "used, but not required"
    assert required - used - not_imported == set(), "required, but not used"


def test_every_dependency_has_its_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    for pin in pins:
        assert re.fullmatch(r"[\w.-]+==[\w.!]+", pin), f"not one version for everyone: {pin}"
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["test"], *extras["dev"], *extras["simulate"]]
    asked += extras["export"]
    names = {distribution(requirement) for requirement in asked} - {"jetlrp"}
    assert names <= {distribution(pin) for pin in pins}
