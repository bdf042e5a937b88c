"""Errors: what they say, what they are, and that they travel."""

import pickle

import pytest

from journeyflow import End, errors
from journeyflow.errors import (
    MAX_COMPARED,
    MAX_LINES,
    MAX_LOOKS,
    MISSING,
    ORDER,
    CannotMigrate,
    ClockJump,
    Conflict,
    CorruptDatabase,
    Fault,
    Forbidden,
    ForeignDatabase,
    InvalidInput,
    InvalidJourney,
    JourneyflowError,
    MissingExtra,
    NewerSchema,
    NotFound,
    Problem,
    ReadOnlyDatabase,
    StorageError,
    Superseded,
    Undeliverable,
    among,
    did_you_mean,
    quoted,
    suggestions,
)
from journeyflow.formats import from_dict
from tests.samples import START as NOW
from tests.samples import Host, open_engine

EVERY_ERROR = [
    InvalidJourney("welcome", [Problem("id", "error", "id", "the journey's id must not be empty")]),
    InvalidInput(["at: must not be empty"], accepted=2),
    NotFound("journey", "welcom", " (did you mean 'welcome'?)"),
    Conflict("welcome", "ARCHIVED", "ACTIVE", "publish it under another id"),
    Superseded("welcome", "DRAFT"),
    Forbidden("welcome", "DRAFT"),
    ClockJump("t", "j", "ann", "2020-01-01T00:00:00Z", None, "2026-01-01T00:00:00Z", "366 days"),
    MissingExtra("a regular expression", "regex"),
    StorageError("a.db", "the disk is full"),
    ForeignDatabase("a.db", "is not a journeyflow database"),
    NewerSchema("a.db", "has schema 9", "install a newer journeyflow"),
    CorruptDatabase("a.db", "is damaged"),
    ReadOnlyDatabase("a.db", "cannot be written"),
    Undeliverable("550 no such user"),
    CannotMigrate("welcome", 2, {"hello": ["ann", "bob"]}),
]


def test_every_error_class_is_in_the_list_of_this_test():
    """A new error class has to be added to `EVERY_ERROR`, and so is tested below."""
    classes = {
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, JourneyflowError)
    } - {JourneyflowError}
    assert {type(error) for error in EVERY_ERROR} == classes


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error):
    """A worker process can hand an error back: same class, same message, same attributes."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 our own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (InvalidJourney("a", []), ValueError),
        (InvalidInput(["x"]), ValueError),
        (NotFound("journey", "a"), LookupError),
        (Conflict("a", "DRAFT", "PAUSED"), ValueError),
        (ClockJump("a", "b", "c", "d", "e", "f", "g"), RuntimeError),
        (MissingExtra("a", "b"), ImportError),
        (StorageError("a", "b"), RuntimeError),
    ],
)
def test_an_error_is_also_the_fitting_builtin(error, builtin):
    """Who does not know journeyflow's classes catches the builtin one."""
    assert isinstance(error, builtin)
    assert isinstance(error, JourneyflowError)


def test_an_invalid_journey_lists_every_problem_in_order():
    """R13: all problems at once, each with its path and code; a problem of the whole has no path."""
    problems = [
        Problem("no-steps", "error", "", "the journey has no step"),
        Problem("zone", "error", "timezone", "'X' is not an IANA time zone"),
    ]
    error = InvalidJourney("welcome", problems)
    assert error.journey == "welcome"
    assert error.problems == tuple(problems)
    assert str(error) == (
        "journey 'welcome' has 2 problems:\n"
        "  - the journey has no step [no-steps]\n"
        "  - timezone: 'X' is not an IANA time zone [zone]"
    )
    assert str(InvalidJourney("welcome", problems[:1])).startswith("journey 'welcome' has 1 problem:\n")


def test_invalid_input_lists_every_fault_and_counts_what_was_stored():
    """One fault stands in the line, several one per line; earlier chunks that were stored are counted."""
    assert str(InvalidInput(["at: no"])) == "invalid input: at: no"
    assert (
        str(InvalidInput(["at: no", "id: no"], 3)) == "invalid input:\n  - at: no\n  - id: no (3 before it were stored)"
    )
    assert InvalidInput(["a", "b"], 3).faults == ("a", "b")
    assert InvalidInput(["a"], 3).accepted == 3


def test_the_faults_of_an_input_are_data_too():
    """Each has the argument as its path, among many with its place, and a code; a sentence about none has no path."""
    faults = ["at: no", "[3] id: no", Fault("since", "it is late", ORDER), among(Fault("id", "null", MISSING), "[4]")]
    faults += [among("expected an Event", "[5]"), "give either this or that: not both"]
    error = InvalidInput(faults)
    assert [(each.path, each.code, each.message) for each in error.problems] == [
        ("at", "invalid", "no"),
        ("[3].id", "invalid", "no"),
        ("since", "order", "it is late"),
        ("[4].id", "missing", "null"),
        ("", "invalid", "[5] expected an Event"),
        ("", "invalid", "give either this or that: not both"),
    ]
    assert error.faults[2:4] == ("since: it is late", "[4] id: null")
    assert {type(fault) for fault in error.faults} == {str}


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (lambda engine: engine.stats("j", at=NOW, since="2026-01-06", until="2026-01-05"), ("since", "order")),
        (lambda engine: engine.stats("j", at=NOW, since="x"), ("since", "invalid")),
        (lambda engine: engine.customer(None), ("customer", "missing")),
        (lambda engine: engine.enroll("j", ["ann", None], at=NOW), ("[1].customer", "missing")),
        (lambda engine: engine.enroll("j", [""], at=NOW), ("[0].customer", "invalid")),
        (lambda engine: engine.exit("j", "ann", at=NOW, reason=None), ("reason", "missing")),
        (lambda engine: engine.claim("", at=NOW), ("worker", "invalid")),
        (lambda engine: engine.bulk("enable", [None], at=NOW), ("journeys", "missing")),
        (lambda engine: engine.bulk("enable", [], at=NOW), ("journeys", "missing")),
        (lambda engine: engine.tenant(""), ("tenant", "invalid")),
        (lambda engine: engine.journeys(take=0), ("", "invalid")),
    ],
)
def test_every_call_says_which_argument_is_missing_wrong_or_out_of_order(ask, found):
    """A host makes its own codes from field and kind, whatever the sentence says."""
    with open_engine("memory") as engine:
        Host(engine).deploy(End("done"))
        with pytest.raises(InvalidInput) as caught:
            ask(engine)
    assert [(each.path, each.code) for each in caught.value.problems] == [found]


def test_messages_name_what_was_wrong_and_what_to_do():
    """R3, R11, R24, R84: each message has the ids, the states and the remedy."""
    assert str(NotFound("journey", "x")) == "no journey 'x'"
    assert str(NotFound("journey", "x", " (did you mean 'y'?)")) == "no journey 'x' (did you mean 'y'?)"
    assert str(Conflict("w", "DRAFT", "PAUSED")) == "journey 'w' is DRAFT and cannot become PAUSED"
    assert str(Conflict("w", "ARCHIVED", "ACTIVE", "clone it")).endswith("cannot become ACTIVE; clone it")
    assert str(Forbidden("w", "DRAFT")) == (
        "journey 'w' is DRAFT; only an ACTIVE journey takes enrollments (activate it first)"
    )
    assert str(ClockJump("t", "j", "ann", "A", "B", "C", "366 days")) == (
        "the timer of customer 'ann' in journey 'j' of tenant 't' has been due since A, which is more than max_jump "
        "(366 days) before now (C; the last tick was at B); "
        "check the clock, or go on with allow_jump=True (--allow-jump in the shell)"
    )
    assert str(MissingExtra("it", "regex")) == "it needs an optional dependency: pip install 'journeyflow[regex]'"
    assert str(StorageError("a.db", "is locked")) == "a.db: is locked"
    assert str(StorageError("a.db", "is locked", "close it")) == "a.db: is locked; close it"


def test_errors_keep_what_they_are_about():
    """A program reads the ids from attributes, not from the message."""
    missing = NotFound("journey", "welcom")
    conflict, forbidden = Conflict("welcome", "ARCHIVED", "ACTIVE"), Forbidden("welcome", "DRAFT")
    assert (missing.kind, missing.name) == ("journey", "welcom")
    assert (conflict.journey, conflict.state, conflict.wanted) == ("welcome", "ARCHIVED", "ACTIVE")
    assert (forbidden.journey, forbidden.state) == ("welcome", "DRAFT")
    assert StorageError(7, "x").path == "7"


def test_the_nearest_known_word_is_suggested():
    """A slip of the finger gets a hint, also when what was written is not text; a far word gets none."""
    assert did_you_mean("chanel", ["template", "channel"]) == " (did you mean 'channel'?)"
    assert did_you_mean(["channel"], {"channel": 1}) == " (did you mean 'channel'?)"
    assert did_you_mean("x" * 10_000, ["channel"]) == ""
    assert did_you_mean("channel", []) == ""


def test_what_is_long_is_shown_by_both_its_ends():
    """A megabyte that was given makes no megabyte of a message; everything is still there to be asked for (B3)."""
    word = "begin" + "x" * 1_000_000 + "end"
    for error in (
        NotFound("journey", word),
        InvalidInput([word]),
        InvalidJourney(word, [Problem("c", "error", word, word)]),
    ):
        assert len(str(error)) < 2_000
        assert "begin" in str(error)
        assert "end" in str(error)
    assert str(NotFound("journey", 10**5_000)) == "no journey (a very large number)"


def test_of_very_many_faults_the_first_are_printed():
    """All of them can be asked for."""
    error = InvalidInput([f"fault {n}" for n in range(1_000)])
    assert str(error).count("\n") == 101
    assert str(error).endswith("  - fault 99\n  - and 900 more")
    assert len(error.faults) == 1_000


@pytest.mark.parametrize(
    ("state", "remedy"),
    [("DRAFT", "activate it first"), ("PAUSED", "resume it first"), ("ARCHIVED", "publish it under another id")],
)
def test_who_enrolls_hears_what_to_do_first(state, remedy):
    """The remedy is one that the state allows (R11, R24)."""
    assert str(Forbidden("j", state)).endswith(f"({remedy})")


# --- what a suggestion costs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["w", "w" * 9, "w" * 60, "w" * 90])
def test_a_file_gets_suggestions_for_the_faults_that_are_printed(monkeypatch, name):
    """Comparing words costs far more than anything else: there is a bound on it, whatever a file holds."""
    asked: list[int] = []

    def nothing(word: str, words: list[str], n: int) -> list[str]:
        asked.append(sum(len(word) * min(len(each), len(word) + 4) for each in words) * n)
        return []

    monkeypatch.setattr("journeyflow.errors.get_close_matches", nothing)
    steps = [
        {"kind": "wait", "id": f"{name}{n}", "duration": "1 day", "next": f"{name}{n}x", f"k{n}": 1} for n in range(400)
    ]
    with pytest.raises(InvalidJourney) as error:
        from_dict({"format": 1, "id": "j", "trigger": {"event": "go"}, "steps": steps})
    assert len(error.value.problems) == 800
    assert len(asked) <= 2 * MAX_LINES
    assert max(asked) <= 2 * MAX_COMPARED


def test_very_many_known_words_are_gone_through_for_few_wrong_ones():
    """There is a bound on what all wrong words of a file cost, however many words are known."""
    suggest, known = suggestions(), [f"step-{n}" for n in range(2 * MAX_LOOKS // 5)]
    assert [suggest("STEP-7", known) for _ in range(4)] == [" (did you mean 'step-7'?)"] * 3 + [""]


def test_the_nearest_of_very_many_words_is_still_found():
    """Of many words, those that share a half with the wrong one are compared."""
    words = [f"step-{n}" for n in range(5_000)]
    assert did_you_mean("stp-4711", words) == " (did you mean 'step-4711'?)"
    assert did_you_mean("STEP-4711", words) == " (did you mean 'step-4711'?)"
    assert did_you_mean("qqqqqq", words) == ""
    long = [f"{'welcome-' * 9}{n}" for n in range(100)]
    assert did_you_mean(long[4] + "x", long) == f" (did you mean '{long[4]}'?)"


def test_a_value_nested_too_deep_is_not_shown():
    """A list as a name is refused as any other one is."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert quoted(deep) == "(list that cannot be shown)"
