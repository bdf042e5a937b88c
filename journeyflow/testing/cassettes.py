"""Cassettes: one enrollment of a live store, under pseudonyms, in a file that a test plays."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, Self

from attrs import evolve, fields, frozen

from journeyflow.basics.words import CHANGED_BY, MEMBERS, MESSAGE_EVENTS, REVENUE
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.engine.engine import Engine
from journeyflow.errors import InvalidInput
from journeyflow.formats.files import FileOptions, opened
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.native_reading import loads_journey
from journeyflow.formats.policies import dumps_policies, loads_policies
from journeyflow.records.public import Enroll, Enrollment, Event, Message, Put
from journeyflow.testing.host_calls import Ack, Call, Leave, Life, Lifecycle, RetryRun, SetPolicies
from journeyflow.testing.pseudonyms import Pseudonyms, kept_paths, namesake
from journeyflow.testing.running import Played, run

FORMAT = 1
"""The number of the format of the file."""


@frozen(repr=False)
class Cassette:
    """One enrollment that was recorded, and what is needed to play it: see `record`.

    `life` is what was said about the customer, from `start` on, and `recorded` what became of it in the store: status,
    reason, visits and messages, as plain values.
    """

    journeys: Sequence[Journey]
    life: Life
    start: datetime
    journey: str
    run: int
    recorded: Mapping[str, Any]

    def __repr__(self) -> str:
        """Return which run it is, how much was said and how it ended."""
        return f"Cassette({self.journey!r} #{self.run}, {len(self.life.calls)} calls, {self.recorded['status']})"

    def play(self, *changed: Journey) -> Played:
        """Play the life against the recorded journeys, or against changed ones in the place of those of their ids."""
        new = {each.id: each for each in changed}
        return run([new.get(each.id, each) for each in self.journeys], self.life, start=self.start)

    def outcome(self, played: Played) -> dict[str, Any]:
        """Return what became of the enrollment when it was played, in the form of `recorded`; {} without an entry."""
        for each in played.enrollments:
            if (each.journey, each.run) == (self.journey, self.run):
                return _outcome(each, [message for message in played.sent if message.run == each.run])
        return {}

    def save(self, path: str | PathLike[str]) -> None:
        """Write the cassette to a JSON file, which `load` reads. Raise OSError where it cannot be written."""
        Path(path).write_text(self.dumps(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a cassette from a file. Raise InvalidInput for a file that is none, or cannot be read."""
        with opened(path, FileOptions(encoding="utf-8")) as file:
            return cls.loads(file.text.read())

    def dumps(self) -> str:
        """Return the cassette as JSON."""
        whole = {
            "cassette": FORMAT,
            "journey": self.journey,
            "run": self.run,
            "start": self.start.isoformat(),
            "end": self.life.end.isoformat(),
            "journeys": [json.loads(dumps_journey(each)) for each in self.journeys],
            "calls": [_written(call) for call in self.life.calls],
            "recorded": self.recorded,
        }
        return f"{json.dumps(whole, indent=2, ensure_ascii=False)}\n"

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read a cassette from JSON. Raise InvalidInput for text that is none."""
        try:
            whole = json.loads(text)
            if whole["cassette"] != FORMAT:
                raise InvalidInput([f"cassette: format {whole['cassette']!r} is not {FORMAT}"])
            return cls(
                [loads_journey(json.dumps(each)) for each in whole["journeys"]],
                Life([_read(each) for each in whole["calls"]], datetime.fromisoformat(whole["end"])),
                datetime.fromisoformat(whole["start"]),
                whole["journey"],
                whole["run"],
                whole["recorded"],
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InvalidInput([f"this is not a cassette: {type(error).__name__}: {error}"]) from error


def record(engine: Engine, journey: str, customer: str, *, run: int | None = None) -> Cassette:
    """Return one enrollment of a live store as a cassette: the newest of a customer in a journey, or the one of a run.

    It holds everything that was said about the customer until the run's end or its last move: events, attributes,
    enrollments and exits by hand, acks, the last pause and the archiving, the policies of that time, and the versions
    of the journeys in which the customer was. The customer has another id, one that falls into the same arms; texts
    that no rule of these journeys reads are replaced, the same by the same; numbers and what rules read are kept.
    Nothing is written to the store.

    The cassette is played before it is returned. Raise InvalidInput if it does not end as in the store: inputs may
    have been pruned, or the run was migrated, or failed with a message that was given up. Raise
    NotFound for an unknown enrollment.
    """
    found = engine.enrollment(journey, customer, run=run)
    dossier: Any = engine.export_customer(customer)
    versions = {each["journey"]: each["version"] for each in dossier["enrollments"]} | {journey: found.version}
    journeys = [evolve(engine.definition(name, version=version), tenant=None) for name, version in versions.items()]
    messages = engine.messages(journey, customer=customer, run=found.run, take=None).items
    end = found.ended_at or max(
        [found.entered_at, *(visit.entered_at for visit in found.visits), *(message.at for message in messages)]
    )
    began = [info.activated_at for info in map(engine.journey, versions) if info.activated_at is not None]
    start = min([found.entered_at, *began])
    pseudonyms = Pseudonyms(
        customer, namesake(found.tenant, journeys, customer, dossier["enrollments"]), kept_paths(journeys)
    )
    calls = [
        *_policies(engine.policies(at=found.entered_at), start),
        *_states(engine, versions, start),
        *_said(dossier, pseudonyms),
    ]
    timed = sorted((call for call in calls if call.at <= end), key=lambda call: call.at)
    cassette = Cassette(journeys, Life(timed, end), start, journey, found.run, _outcome(found, messages))
    played = cassette.outcome(cassette.play())
    if played != cassette.recorded:
        raise InvalidInput(
            [f"{journey}/{customer}: played, the run does not end as in the store: {_first(cassette, played)}"]
        )
    return cassette


def _first(cassette: Cassette, played: Mapping[str, object]) -> str:
    """Return the first part in which what was played differs."""
    part = next(name for name, value in cassette.recorded.items() if played.get(name) != value)
    return f"{part} is {played.get(part)!r}, not {cassette.recorded[part]!r}"


def _outcome(enrollment: Enrollment, messages: Sequence[Message]) -> dict[str, Any]:
    """Return what became of an enrollment, as plain values."""
    return {
        "status": enrollment.status,
        "reason": enrollment.reason,
        "visits": [
            {
                "step": visit.step,
                "status": visit.status,
                "outcome": visit.outcome,
                "entered_at": visit.entered_at.isoformat(),
                "left_at": None if visit.left_at is None else visit.left_at.isoformat(),
            }
            for visit in enrollment.visits
        ],
        "messages": [
            {"step": each.step, "channel": each.channel, "template": each.template, "at": each.at.isoformat()}
            for each in messages
            if each.journey == enrollment.journey
        ],
    }


# --- what was said ----------------------------------------------------------------------------------------------------


def _policies(policies: Policies, start: datetime) -> Iterator[Call]:
    if policies != Policies():
        yield SetPolicies(policies, at=start)


def _states(engine: Engine, journeys: Iterable[str], start: datetime) -> Iterator[Call]:
    """Yield the last pause of each journey, its end, and its archiving."""
    for name in journeys:
        info = engine.journey(name)
        if info.paused_at is not None and info.paused_at >= start:
            yield Lifecycle(name, "pause", at=info.paused_at)
            if info.resumed_at is not None and info.resumed_at >= info.paused_at:
                yield Lifecycle(name, "resume", at=info.resumed_at)
        if info.archived_at is not None:
            yield Lifecycle(name, "archive", at=info.archived_at)


def _said(dossier: Mapping[str, Any], pseudonyms: Pseudonyms) -> Iterator[Call]:
    """Yield what was said about the customer, and the acks of its messages; messages have the ids of the playing."""
    serials = {(each["journey"], each["run"]): n for n, each in enumerate(dossier["enrollments"], 1)}
    names = {each["id"]: f"memory-{serials[each['journey'], each['run']]}-{each['n']}" for each in dossier["messages"]}
    for each in dossier["told"]:
        if each["outcome"] != "pending":
            yield from _call(each, pseudonyms, names)
    for each in dossier["messages"]:
        if each["status"] == "SENT" and "sent" in each["happened"]:
            yield Ack(names[each["id"]], at=datetime.fromisoformat(each["happened"]["sent"]["first"]))


def _call(told: Mapping[str, Any], pseudonyms: Pseudonyms, names: Mapping[str, str]) -> Iterator[Call]:
    at, kind, data, customer = datetime.fromisoformat(told["at"]), told["type"], told["data"] or {}, pseudonyms.customer
    if told["kind"] == "put":
        yield Put(customer, pseudonyms.data(data), at=at, replace=kind == "replace", only_missing=kind == "missing")
    elif told["kind"] == "event":
        name = None if told["id"] is None else pseudonyms.text(told["id"])
        yield Event(kind, customer=customer, at=at, id=name, data=_of_event(kind, data, pseudonyms, names))
    elif told["kind"] == "enroll":
        yield Enroll(kind, customer, at=at, force=data.get("force", False), key=data.get("key"))
    elif told["kind"] == "exit":
        yield Leave(kind, customer, at=at, reason=data.get("reason", "manual"), key=data.get("key"))
    elif told["kind"] == "retry":
        yield RetryRun(kind, customer, at=at)


def _of_event(
    kind: str, data: Mapping[str, Any], pseudonyms: Pseudonyms, names: Mapping[str, str]
) -> dict[str, object]:
    """Return the data of an event under pseudonyms; what the engine's own events name keeps its name."""
    changed = data.get("field") if kind == "field.changed" else None
    hidden = pseudonyms.data(data, changed=changed)
    if kind in {*MESSAGE_EVENTS, REVENUE} and "message" in data:
        hidden["message"] = names.get(str(data["message"]), "unknown")
    member = MEMBERS[CHANGED_BY[kind]][2] if kind in CHANGED_BY else "field" if changed is not None else None
    return hidden if member is None or member not in data else {**hidden, member: data[member]}


# --- in a file --------------------------------------------------------------------------------------------------------

_KINDS = {each.__name__: each for each in (Ack, Enroll, Event, Leave, Lifecycle, Put, RetryRun, SetPolicies)}
"""The calls that a cassette may hold, by the name that they have there."""


def _written(call: Any) -> dict[str, object]:  # noqa: ANN401 any of the calls
    values = {each.name: getattr(call, each.name) for each in fields(type(call))}
    values["at"] = call.at.isoformat()
    if isinstance(call, SetPolicies):
        values["policies"] = json.loads(dumps_policies(call.policies))
    plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}
    return {"call": type(call).__name__, **{name: value for name, value in plain.items() if value is not None}}


def _read(row: Mapping[str, Any]) -> Call:
    kind = _KINDS[row["call"]]
    values = {name: value for name, value in row.items() if name != "call"}
    values["at"] = datetime.fromisoformat(values["at"])
    if kind is SetPolicies:
        values["policies"] = loads_policies(json.dumps(values["policies"]))
    made: Call = kind(**values)
    return made
