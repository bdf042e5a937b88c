"""Journey files of any dialect, told apart by their shape."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from journeyflow import InvalidJourney
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.port import Loss
from journeyflow.formats.registry import DIALECTS, loads_any, recognise

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"format": 1}, "native"),
        ({"format": 1, "triggerType": "x"}, "native"),
        ({"steps": [{"kind": "end", "id": "e"}]}, "native"),
        ({"triggerType": "x"}, "loyalty"),
        ({"steps": ["?", {"type": "TRIGGER"}]}, "loyalty"),
        ({"JourneyID": 5, "actions": []}, "octeth"),
    ],
)
def test_a_file_is_known_by_its_shape(value, name):
    """`format` or a step's `kind` is native, `triggerType` or a step's `type` loyalty's, `Actions` Octeth's."""
    assert recognise(value) == name


@pytest.mark.parametrize("value", [None, [], "format", {}, {"id": "j", "steps": []}, {"steps": {"type": "END"}}])
def test_a_file_of_no_known_shape_is_refused(value):
    """The sentence says what a journey looks like."""
    with pytest.raises(InvalidJourney, match=r'"format", or .* "triggerType"') as caught:
        recognise(value)
    assert [each.code for each in caught.value.problems] == ["dialect"]


def test_any_dialect_is_loaded():
    """The same journey, from either kind of text."""
    text = '{"id": "j", "triggerType": "go", "steps": [{"id": "a", "type": "END"}], "status": "DRAFT"}'
    journey, losses = loads_any(text)
    assert [loss.path for loss in losses] == ["status"]
    assert loads_any(dumps_journey(journey)) == (journey, [])
    assert loads_any(json.dumps(DIALECTS["native"].write(journey)[0])) == (journey, [])


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("{", "", "json"),
        ("[" * 100_000, "", "depth"),
        ('{"format": 1, "id": "j", "id": "k", "trigger": {"manual": true}, "steps": []}', "id", "duplicate-key"),
        ('{"triggerType": "x", "id": "j", "steps": [{"id": "a", "id": "b", "type": "END"}]}',
         "steps[0].id", "duplicate-key"),
        ('{"triggerType": "x", "id": "j", "timezone": "Mars"}', "timezone", "zone"),
    ],
)  # fmt: skip
def test_faults_are_told_in_any_dialect(text, path, code):
    """R13: no JSON, too deep, a key that stands twice, and what is wrong with the journey."""
    with pytest.raises(InvalidJourney) as caught:
        loads_any(text)
    assert [(each.path, each.code) for each in caught.value.problems] == [(path, code)]


def test_a_loss_is_one_line():
    """Its place, and a sentence."""
    assert str(Loss("steps[0].window", "there are no windows")) == "steps[0].window: there are no windows"


def test_the_package_does_not_bring_other_formats_along():
    """Who never reads a foreign file does not pay for it."""
    code = "import sys, journeyflow; print([name for name in sys.modules if 'loyalty' in name or 'registry' in name])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 our own code
    assert done.stdout.strip() == "[]"
