"""The journeys of Octeth: a list of actions, with lists inside Decisions, and a trigger with its parameters.

How it is read:

- A file is what `journey.get` answers, the body of a request that creates or changes a journey, or both. Names are
  read in any case, parameters flat or under `ActionParameters`, numbers and flags also as text.
- Actions run in their order. A Decision continues with the list of its answer, then with the action after it. A list
  that is empty, or at its end, leads on; the end of the whole list ends the run.
- An `ActionID` is the id of the step as text; an action without one is named after its place. Lists, tags, emails and
  journeys are named by their numbers as text, custom field 10 is the attribute `CustomField10`, and `EmailAddress` is
  `email`.
- SendEmail and SendSMS send by the channels EMAIL and SMS. Webhook and Debug hand their parameters to the channels
  WEBHOOK and DEBUG, whatever the customer consents to. Parameters that only the channel needs are the `data` of a Send.
- A Decision asks for fields, tags, segments (the attribute `segments`, which the host keeps), suppressions, and what
  was done with emails of this journey. What is asked of campaigns, of other journeys and of the past of the website is
  refused: nothing here could answer it. A YesNo is read as a Decision.
- Flags such as `Published`, states, statistics and instants are not part of a definition, and lost.

What is written reads back as an equal journey where nothing was lost.
"""

from journeyflow.formats.octeth.reading import read
from journeyflow.formats.octeth.writing import write
from journeyflow.formats.port import Dialect

__all__ = ["DIALECT", "read", "write"]

DIALECT = Dialect(
    "octeth",
    recognise=lambda value: any(isinstance(name, str) and name.lower() == "actions" for name in value),
    read=read,
    write=write,
    named=lambda name: {"JourneyID": name},
    steps="Actions",
)
