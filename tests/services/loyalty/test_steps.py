"""The calls of the loyalty platform about steps."""

import pytest

from journeyflow import Trigger, field, tag, update_step
from journeyflow.services.operations import ATTEMPTS
from tests.samples import START, open_engine
from tests.services.loyalty.client import FOLLOW_UP, STEPS, TYPES, Client, refused
from tests.services.loyalty.printed import OPENED, WAIT
from tests.services.loyalty.printed import SEND as WELCOME


@pytest.mark.rows(50, 52, 53, 54, 55, 60, 61, 118, 119, 254)
def test_a_journey_is_built_step_by_step_as_the_document_prints_it(client):
    """Each answer is the step; a CONDITION may lead to steps that are still to come."""
    path = client.create(active=False)
    for body, shown in zip((WELCOME, WAIT, OPENED), STEPS, strict=True):
        status, made = client.ask("POST", f"{path}/steps", body)
        assert (status, made["id"], made["stepNumber"]) == (201, shown["id"], shown["stepNumber"])
    assert client.ask("GET", f"{path}/steps") == (200, {"data": STEPS})
    assert client.ok("GET", "/journeys", tenantId="tenant_123")["data"][0]["stepsCount"] == 3
    client.ok("POST", f"{path}/steps", TYPES[5])
    client.ok("POST", f"{path}/steps", TYPES[6])
    assert [each["id"] for each in client.ok("GET", f"{path}/steps")["data"]] == [f"step_{n}" for n in range(1, 6)]
    client.ok("POST", f"{path}/activate")
    definition = client.engine.definition("journey_123")
    assert dict(definition.index).keys() >= {"step_1", "step_2", "step_3", "step_4", "step_5"}
    condition = definition.step("step_3")
    assert (condition.branches[0].next, condition.otherwise) == ("step_4", "step_5")
    assert client.ok("GET", f"{path}/steps")["data"][:3] == STEPS


@pytest.mark.rows(62, 119, 254)
def test_a_step_is_added_after_another(client):
    """The body as printed: it leads to where the other one led."""
    path = client.create(WELCOME, WAIT, TYPES[5], active=False)
    status, made = client.ask("POST", f"{path}/steps", FOLLOW_UP)
    said = {key: value for key, value in FOLLOW_UP.items() if key != "afterStepId"}
    assert (status, made) == (201, {"id": "step_4", "stepNumber": 3, **said, "nextStepId": "step_3"})
    steps = client.ok("GET", f"{path}/steps")["data"]
    assert [(each["id"], each.get("nextStepId")) for each in steps] == [
        *(("step_1", "step_2"), ("step_2", "step_4")),
        *(("step_4", "step_3"), ("step_3", None)),
    ]


@pytest.mark.rows(49, 66, 72, 77, 81, 82, 83, 84, 44)
def test_every_type_of_step_comes_back_as_it_was_given(client):
    """The examples of the document, with the steps that they name; a TRIGGER has no number."""
    path = client.create(*TYPES, active=False)
    for name in ("step_engaged", "step_not_engaged", "step_variant_a", "step_variant_b"):
        client.ok("POST", f"{path}/steps", {"id": name, "type": "END"})
    shown = client.ok("GET", f"{path}/steps")["data"]
    assert [{key: each[key] for key in given} for given, each in zip(TYPES, shown, strict=False)] == TYPES
    assert ["stepNumber" in each for each in shown][:2] == [False, True]
    assert shown[0]["nextStepId"] == shown[1]["id"]
    assert client.ok("GET", "/journeys", tenantId="tenant_123")["data"][0]["stepsCount"] == len(shown) - 1
    client.ok("POST", f"{path}/activate")
    made = client.engine.definition("journey_123")
    assert made.trigger == Trigger("scl.member.created", where=field("membershipTier").in_(["Gold", "Platinum"]))
    send, wait, condition, split, update, end = (made.step(f"step_{number}") for number in range(1, 7))
    assert (send.channel, send.template, str(wait.duration), end.name) == (
        *("EMAIL", "welcome_email", "3 days", "Journey Complete"),
    )
    assert condition.branches[0].when == field("engagementScore").gte(70) & field("emailOptIn").eq(True)
    assert (condition.branches[0].next, condition.otherwise) == ("step_engaged", "step_not_engaged")
    assert [(each.percentage, each.next) for each in split.arms] == [(50, "step_variant_a"), (50, "step_variant_b")]
    assert update.changes == (tag.add("onboarded"),)
    assert client.ok("GET", f"{path}/steps")["data"] == shown


@pytest.mark.rows(120, 254)
def test_a_step_is_updated(client):
    """PATCH of name and config, as printed; what is not given stays."""
    path = client.create(WELCOME, WAIT)
    said = {"name": "Updated Step Name", "config": {"channel": "EMAIL", "templateId": "new_template"}}
    shown = {"id": "step_1", "stepNumber": 1, "type": "SEND", **said, "nextStepId": "step_2"}
    assert client.ask("PATCH", f"{path}/steps/step_1", said) == (200, shown)
    assert client.engine.definition("journey_123").step("step_1").template == "new_template"
    assert client.engine.journey("journey_123").version == 2
    before = client.ok("PATCH", f"{path}/steps/step_1", {"config": WELCOME["config"]})
    assert (before["config"], client.engine.journey("journey_123").version) == (WELCOME["config"], 1)
    wrong = client.ask("PATCH", f"{path}/steps/step_1", {"config": {"channel": "EMAIL"}})
    assert refused(wrong, 422, "INVALID") == [("missing", "steps[0].config.templateId")]
    assert refused(client.ask("PATCH", f"{path}/steps/step_9", said), 404, "NOT_FOUND") == []


@pytest.mark.rows(121, 254)
def test_a_step_is_deleted(client):
    """204: what led to it leads where it led; steps that only it led to go with it."""
    path = client.create(WELCOME, WAIT, OPENED, TYPES[5], TYPES[6], active=False)
    assert client.ask("DELETE", f"{path}/steps/step_2") == (204, None)
    steps = client.ok("GET", f"{path}/steps")["data"]
    assert [(each["id"], each["stepNumber"], each.get("nextStepId")) for each in steps[:2]] == [
        ("step_1", 1, "step_3"),
        ("step_3", 2, None),
    ]
    client.ok("DELETE", f"{path}/steps/step_3")
    assert [each["id"] for each in client.ok("GET", f"{path}/steps")["data"]] == ["step_1", "step_5"]
    client.ok("DELETE", f"{path}/steps/step_5")
    client.ok("DELETE", f"{path}/steps/step_1")
    assert client.ok("GET", f"{path}/steps") == {"data": []}
    assert refused(client.ask("DELETE", f"{path}/steps/step_1"), 404, "NOT_FOUND") == []


@pytest.mark.rows(121)
def test_a_way_of_a_split_leads_on_when_its_step_is_deleted(client):
    """The others stay; the first step of a journey too may go."""
    path = client.create(TYPES[4], active=False)
    client.ok("POST", f"{path}/steps", {"id": "step_variant_a", **WAIT, "nextStepId": "last"})
    client.ok("POST", f"{path}/steps", {"id": "step_variant_b", "type": "END"})
    client.ok("POST", f"{path}/steps", {"id": "last", "type": "END"})
    client.ok("DELETE", f"{path}/steps/step_variant_a")
    splits = client.ok("GET", f"{path}/steps")["data"][0]["config"]["splits"]
    assert [each["nextStepId"] for each in splits] == ["last", "step_variant_b"]
    client.ok("DELETE", f"{path}/steps/last")
    splits = client.ok("GET", f"{path}/steps")["data"][0]["config"]["splits"]
    assert [each.get("nextStepId") for each in splits] == [None, "step_variant_b"]
    client.ok("DELETE", f"{path}/steps/step_1")
    assert [each["id"] for each in client.ok("GET", f"{path}/steps")["data"]] == ["step_variant_b"]


@pytest.mark.rows(122, 254)
def test_steps_are_reordered(client):
    """The body as printed; every step is named once, and those of a branch stay in it."""
    path = client.create(WELCOME, WAIT, TYPES[5], TYPES[6], active=False)
    order = ["step_1", "step_3", "step_2", "step_4"]
    found = client.ok("POST", f"{path}/steps/reorder", {"stepIds": order})["data"]
    assert [each["id"] for each in found] == order
    assert [(each["stepNumber"], each.get("nextStepId")) for each in found] == [
        *((1, "step_3"), (2, "step_2")),
        *((3, "step_4"), (4, None)),
    ]
    assert client.ok("GET", f"{path}/steps")["data"] == found
    odds: tuple[object, ...] = ({}, 5, "")
    for odd in odds:
        wrong = client.ask("POST", f"{path}/steps/reorder", {"stepIds": [odd]})
        assert refused(wrong, 422, "INVALID") == [("invalid", "stepIds")]
    wrong = client.ask("POST", f"{path}/steps/reorder", {"stepIds": ["step_1", "step_1", "x"]})
    assert {code for code, _ in refused(wrong, 422, "INVALID")} == {"unknown-step", "duplicate", "missing"}
    open_end = client.create(TYPES[0], WELCOME, WAIT, active=False)
    found = client.ok("POST", f"{open_end}/steps/reorder", {"stepIds": ["step_2", "step_1"]})["data"]
    assert [(each["id"], each.get("nextStepId")) for each in found[1:]] == [("step_2", "step_1"), ("step_1", None)]
    assert found[0]["nextStepId"] == "step_2"
    wrong = client.ask("POST", f"{open_end}/steps/reorder", {"stepIds": ["step_2", "step_1", "end"]})
    assert refused(wrong, 422, "INVALID")


@pytest.mark.rows(119, 62)
def test_where_a_step_cannot_be_added(client):
    """An id twice, after nothing known, after an END, after a choice all of whose ways lead somewhere."""
    path = client.create(WELCOME, OPENED, {"id": "step_4", "type": "END"}, {"id": "step_5", "type": "END"})
    steps = f"{path}/steps"
    assert refused(client.ask("POST", steps, {"id": "step_1", **WAIT}), 422, "INVALID") == [("duplicate", "id")]
    for after_id, code in (("step_9", "unknown-step"), ("step_4", "place"), ("step_2", "place")):
        wrong = client.ask("POST", steps, {**WAIT, "afterStepId": after_id})
        assert refused(wrong, 422, "INVALID") == [(code, "afterStepId")]
    wrong = client.ask("POST", steps, {"type": "SEND", "config": {"channel": "EMAIL"}, "afterStepId": "step_1"})
    assert refused(wrong, 422, "INVALID") == [("missing", "steps[1].config.templateId")]
    half = {"type": "CONDITION", "config": OPENED["config"], "nextStepYesId": "step_1"}
    loop = client.create(WELCOME, WAIT, half, active=False)
    client.ok("POST", f"{loop}/steps", {"type": "END", "afterStepId": "step_3"})
    assert client.ok("GET", f"{loop}/steps")["data"][2]["nextStepId"] == "step_4"


def test_a_journey_that_was_changed_by_other_means_is_shown_as_it_is(client):
    """The document that is kept with it is that of another version; what others keep with it stays."""
    path = client.create(WELCOME, WAIT)
    changed = update_step(client.engine.definition("journey_123"), "step_2", duration="1 week")
    client.engine.publish(changed, at=START)
    client.engine.edit("journey_123", at=START, meta={**changed.meta, "mine": 7})
    steps = client.ok("GET", f"{path}/steps")["data"]
    assert [each.get("config") for each in steps] == [WELCOME["config"], {"duration": "1 week"}, None]
    client.ok("PATCH", f"{path}/steps/step_2", {"name": "Week"})
    assert client.engine.journey("journey_123").meta["mine"] == 7
    assert client.ok("GET", path)["createdBy"] == "user_123"


@pytest.mark.rows(119, 120)
def test_changes_of_one_journey_by_two_processes_are_both_made(tmp_path, monkeypatch):
    """Each has an engine of its own; a change that another one overtakes is made again, from what is there by then."""
    with open_engine(str(tmp_path / "j.db"), grace=None) as engine, open_engine(str(tmp_path / "j.db")) as other:
        mine, theirs = Client(engine), Client(other)
        path = mine.create(WELCOME, active=False)
        publish = type(engine).publish
        overtaken: list[bool] = []

        def slowly(self, *arguments, **options):
            if self.store is engine.store and not overtaken:
                overtaken.append(True)
                theirs.ok("POST", f"{path}/steps", WAIT)
                theirs.ok("PATCH", path, {"description": "theirs"})
            return publish(self, *arguments, **options)

        monkeypatch.setattr(type(engine), "publish", slowly)
        assert mine.ok("POST", f"{path}/steps", TYPES[5])["id"] == "step_3"
        assert [each["type"] for each in mine.ok("GET", f"{path}/steps")["data"]] == ["SEND", "WAIT", "UPDATE"]
        assert mine.ok("GET", path)["description"] == "theirs"


def test_a_draft_that_is_changed_while_it_is_activated_is_activated_as_it_is_then(tmp_path, monkeypatch):
    """A change that comes between is in what is activated; one that is unfinished is told, and stays."""
    with open_engine(str(tmp_path / "j.db"), grace=None) as engine, open_engine(str(tmp_path / "j.db")) as other:
        mine, theirs = Client(engine), Client(other)
        activate, changes = type(engine).activate, [(WAIT, {"description": "theirs"}), (TYPES[3], {"timezone": "UTC"})]
        meanwhile: list[str] = []

        def slowly(self, *arguments, **options):
            for path in meanwhile:
                meanwhile.clear()
                step, keys = changes.pop(0)
                theirs.ok("POST", f"{path}/steps", step)
                theirs.ok("PATCH", path, keys)
            return activate(self, *arguments, **options)

        monkeypatch.setattr(type(engine), "activate", slowly)
        path = mine.create(WELCOME, active=False)
        meanwhile.append(path)
        assert mine.ok("POST", f"{path}/activate")["status"] == "ACTIVE"
        assert [each["type"] for each in mine.ok("GET", f"{path}/steps")["data"]] == ["SEND", "WAIT"]
        assert mine.ok("GET", path)["description"] == "theirs"
        path = mine.create(WELCOME, active=False)
        meanwhile.append(path)
        assert refused(mine.ask("POST", f"{path}/activate"), 422, "INVALID") != []
        assert mine.ok("GET", path)["status"] == "DRAFT"
        assert len(mine.ok("GET", f"{path}/steps")["data"]) == 2


@pytest.mark.rows(120)
def test_a_change_that_is_overtaken_all_the_time_is_a_conflict(client, monkeypatch):
    """409: nothing was stored, and the client may try again."""
    path = client.create(WELCOME, active=False)
    publish, number = type(client.engine).publish, iter(range(10**6))

    def overtaken(self, journey, *, at, **options):
        self.edit(journey.id, at=at, notes=str(next(number)))
        return publish(self, journey, at=at, **options)

    monkeypatch.setattr(type(client.engine), "publish", overtaken)
    assert refused(client.ask("PATCH", f"{path}/steps/step_1", {"name": "x"}), 409, "CONFLICT") == []
    assert client.ok("GET", f"{path}/steps")["data"][0]["name"] == "Welcome Email"
    assert next(number) == ATTEMPTS
