"""The page's modules as one script: each once, after what it imports, and what it exports."""

from __future__ import annotations

import re

import pytest

from app.main import assets_folder
from app.page_files import COMMENT, EXPORT, IMPORT, linked

FOLDERS = ("page", "picture", "panels")
MODULES = sorted(path for folder in FOLDERS for path in (assets_folder() / folder).glob("*.js"))


def test_modules_run_after_those_that_they_import(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "main.js").write_text(
        'import "./in/one.js";\nimport { two } from "./two.js";\ngo(two);\n'
    )
    (tmp_path / "in" / "one.js").write_text(
        'import { two } from "../two.js";\n\nexport const one = { two };\n'
    )
    (tmp_path / "two.js").write_text(
        'import { one } from "./in/one.js";\n\nexport const two = () => one;\n'
    )
    made = linked(tmp_path / "main.js")
    assert re.findall(r"^(\w+) = \(\(\) => \{$", made, re.M) == ["two", "one"]
    assert made.index("go(two)") > made.index("return { two };") > made.index("return () => one;")
    assert "window.jetlrp = { two, one };" in made
    assert "import" not in made
    assert "export" not in made


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_module_is_as_it_can_be_linked(path):
    text = path.read_text("utf-8")
    imports = [line for line in text.splitlines() if line.startswith("import")]
    assert len(imports) == len(IMPORT.findall(text))
    assert not re.search(r"^export (?!const)", text, re.M)
    exported = EXPORT.findall(text)
    assert len(exported) <= 1
    if exported:  # it is the last statement
        rest = text[text.index(f"export const {exported[0]} = ") :]
        assert re.fullmatch(r"(?s)export const \w+ = (\{.*\}|\w+);\n", rest), rest[:80]


def test_the_page_runs_every_module_without_its_comments():
    made = linked(assets_folder() / "page" / "main.js")
    for path in MODULES:
        if path.stem not in ("main", "standalone"):
            text = COMMENT.sub("", IMPORT.sub("", path.read_text("utf-8")))
            assert made.count(EXPORT.sub("return ", text)) == 1, path
