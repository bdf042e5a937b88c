"""The page on forecasting has the figures that come of the CDNOW sample, where that file is."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases import part

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "cdnow_sample_events.csv"

pytestmark = pytest.mark.unmeasured


def about(page: str, name: str) -> Iterator[str]:
    """Yield the lines that a page has about one of its forecasts: its note, its column, and what happened."""
    lines = page.partition("<!-- computed: cdnow -->\n\n")[2].partition("\n\n<!--")[0].splitlines()
    column = next(line for line in lines if line.startswith("| figure")).split(" | ").index(f"fitted to {name}")
    for line in lines:
        cells = line.split(" | ")
        if line.startswith("|"):
            yield " | ".join((cells[0], cells[column], cells[-1]))
        elif not line or line.startswith(f"- Fitted to {name},"):
            yield line


@pytest.mark.skipif(not DATA.exists(), reason="the CDNOW sample is not at ../shared/data/")
@pytest.mark.parametrize("name", part(["its last half", "the whole year"]))
def test_the_page_has_the_figures_of_the_sample(name):
    """A forecast of half a year, and what happened: each figure on the page is computed again."""
    spec = importlib.util.spec_from_file_location("cdnow", ROOT / "docs" / "cdnow.py")
    assert spec is not None
    assert spec.loader is not None
    cdnow = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cdnow)
    page = cdnow.PAGE.read_text(encoding="utf-8")
    assert cdnow.computed([name]).splitlines() == list(about(page, name)), "run docs/cdnow.py"
