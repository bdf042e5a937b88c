"""The notebook of the examples runs from top to bottom, and every cell that ends with an answer shows it."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pandas", reason="needs the extra `pandas`")

PATH = Path(__file__).parents[1] / "examples" / "look.ipynb"
NOTEBOOK = json.loads(PATH.read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]

pytestmark = pytest.mark.source


def test_it_is_a_notebook_without_outputs():
    """In the format that Jupyter writes, each cell with an id of its own; outputs are those of whoever runs it."""
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
    for cell in NOTEBOOK["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert "".join(cell["source"]).strip()
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.fixture(scope="module")
def shown():
    """Run the cells in one namespace, as a kernel does, and return what the last expression of each gave."""
    names: dict[str, Any] = {"__name__": "__main__"}
    found = []
    for source in CODE:
        *body, last = ast.parse(source).body
        exec(compile(ast.Module(body, []), str(PATH), "exec"), names)  # noqa: S102 our own example
        assert isinstance(last, ast.Expr), source
        found.append(eval(compile(ast.Expression(last.value), str(PATH), "eval"), names))  # noqa: S307 likewise
    return found


def test_every_cell_shows_an_answer(shown):
    """As HTML or SVG, and short where neither can be shown; among them is every kind of answer."""
    for each in shown:
        pictured = getattr(each, "_repr_html_", lambda: None)() or getattr(each, "_repr_svg_", lambda: None)()
        assert pictured or type(each).__name__ == "Series"
        assert len(repr(each)) < 2_000
    kinds = {type(each).__name__ for each in shown}
    assert kinds >= {
        "Journey", "TickResult", "JourneyStats", "Diagram", "TimeToEnd", "Results", "Page", "Explanation", "Timeline",
        "WhyNot", "RowTuple", "Outcome", "Impact", "Forecast", "ReportPage",
    }  # fmt: skip


def test_a_kernel_of_jupyter_runs_it(tmp_path):
    """Where the group `notebook` is installed: each output is what the notebook of a user would hold."""
    client = pytest.importorskip("nbclient", reason="needs the group `notebook`")
    formats = pytest.importorskip("nbformat", reason="needs the group `notebook`")
    pytest.importorskip("ipykernel", reason="needs the group `notebook`")
    notebook = formats.read(PATH, as_version=4)
    formats.validate(notebook)
    client.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kinds = [
        {kind for out in cell.outputs for kind in out.get("data", {})} for cell in notebook.cells if "outputs" in cell
    ]
    assert all(found & {"text/html", "image/svg+xml"} or found == {"text/plain"} for found in kinds)
    assert sum("image/svg+xml" in found for found in kinds) >= 9
