"""A day of a small client of Octeth's API, without this library: octeth_day.py ADDRESS KEY LIST SUBSCRIBER."""

import json
import sys
import time
import urllib.parse
import urllib.request

ADDRESS, KEY, LIST, SUBSCRIBER = sys.argv[1:]


def call(command, **parameters):
    """Send a command as a form, as the documents show it; return the answer."""
    form = urllib.parse.urlencode({"Command": command, "APIKey": KEY, **parameters}).encode()
    with urllib.request.urlopen(f"{ADDRESS}/api.php", form, timeout=60) as reply:  # noqa: S310 the address of the test
        return json.load(reply)


def patch(path, body):
    """Send JSON to a path, with the key as a header."""
    request = urllib.request.Request(  # noqa: S310 the address of the test
        f"{ADDRESS}/api/v1/{path}",
        json.dumps(body).encode(),
        {"APIKey": KEY, "Content-Type": "application/json"},
        method="PATCH",
    )
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 likewise
        return json.load(reply)


journey = call("journey.create", Name="Welcome Series", Trigger="Manual")["JourneyID"]
actions = [
    {"Action": "SendEmail", "EmailID": 95, "SenderDomainID": 1, "Published": True},
    {"Action": "Wait", "WaitUnit": "days", "WaitAmount": 3, "Published": True},
]
patch("journey.actions", {"JourneyID": journey, "Actions": actions})
call("journey.enable", JourneyID=journey)
call("subscriber.journey.trigger", JourneyID=journey, ListID=LIST, SubscriberID=SUBSCRIBER)
inside = call("subscriber.journey.list", ListID=LIST, SubscriberID=SUBSCRIBER)
shown = call("journey.get", JourneyID=journey)
figures = call("account.journey.benchmark")
export = call("journey.export.submit")["ExportID"]
while (job := call("journey.export.get", ExportID=export)["ExportJob"])["Status"] != "Completed":
    time.sleep(0.05)
json.dump({"inside": inside, "shown": shown, "figures": figures, "job": job}, sys.stdout)
