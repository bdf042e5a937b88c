"""How processes share the tests, each in a pytest of its own."""

import re

import pytest

pytestmark = pytest.mark.source

pytest_plugins = ["pytester"]

SERVER = """
import pytest

@pytest.fixture(scope="session")
def server():
    yield print("begun", end=" ")
    print("ended", end=" ")
"""
TEST = "def test_it(server): print({!r}, end=' ')\n"


@pytest.fixture
def shared(pytester, monkeypatch):
    """Return a function that runs what nobody has claimed of some files, and returns the exit code and the output."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib\nfilterwarnings = error\ntestpaths = .")
    pytester.makeconftest(SERVER)
    pytester.mkdir("claims")

    def run(**files):
        pytester.makepyfile(**{f"test_{name}": text for name, text in files.items()})
        found = pytester.runpytest_inprocess("-q", "-s", "-p", "tests.sharing", "--shared=claims")
        return found.ret, found.stdout.str()

    return run


def test_a_process_runs_each_file_that_nobody_has_claimed(shared, pytester):
    """What serves all tests is made once for all files; a file without tests ends nothing."""
    (pytester.path / "claims" / "1").touch()
    skipped = "import pytest\npytest.skip('not here', allow_module_level=True)"
    status, text = shared(a=TEST.format("a") + TEST.format("again"), b=TEST.format("b"), c=skipped, d=TEST.format("d"))
    assert (status, text.splitlines()[0]) == (0, "begun again .d .ended ")
    assert sorted(path.name for path in (pytester.path / "claims").iterdir()) == ["0", "1", "2", "3"]


def test_a_process_that_finds_nothing_to_claim_fails(shared, pytester):
    """A part that ran nothing has shown nothing."""
    (pytester.path / "claims" / "0").touch()
    assert shared(a=TEST.format("a"))[0] == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    "broken", ["def test_it(): assert False", "import nothing", "import warnings\nwarnings.warn('old')"]
)
def test_a_file_that_fails_leaves_the_others_to_be_run(shared, broken):
    """Whether a test fails, or the file cannot be imported, or warns."""
    status, text = shared(a=TEST.format("a"), b=broken, c=TEST.format("c"))
    assert status == pytest.ExitCode.TESTS_FAILED
    assert re.search("begun a .F?c .ended", text)
    assert "test_b.py" in text.splitlines()[-2]


def test_long_files_come_first(shared, pytester):
    """A file that takes long does not run alone at the end."""
    (pytester.mkdir("tests") / "properties").mkdir()
    pytester.makepyfile(**{"tests/properties/test_z": TEST.format("z")})
    assert "begun z .a .ended" in shared(a=TEST.format("a"))[1]
