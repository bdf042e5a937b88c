"""The page on forecasting has the figures that come of the CDNOW sample, where that file is."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "cdnow_sample_events.csv"

pytestmark = pytest.mark.unmeasured


@pytest.mark.skipif(not DATA.exists(), reason="the CDNOW sample is not at ../shared/data/")
def test_the_page_has_the_figures_of_the_sample():
    """Forecasts of half a year, and what happened: every figure on the page is computed again."""
    spec = importlib.util.spec_from_file_location("cdnow", ROOT / "docs" / "cdnow.py")
    assert spec is not None
    assert spec.loader is not None
    cdnow = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cdnow)
    page = cdnow.PAGE.read_text(encoding="utf-8")
    assert cdnow.rewritten(page) == page, "run docs/cdnow.py"
