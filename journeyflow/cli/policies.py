"""The policies of a tenant: show them, or set them from a policy file."""

from datetime import datetime
from pathlib import Path

import click

from journeyflow.basics.hours import WEEKDAYS, weekdays_in_words, write_clock
from journeyflow.cli.database import database, opened_database
from journeyflow.cli.shared import (
    A_FILE,
    Database,
    as_json,
    load_policies,
    now_option,
    show,
    tenant,
    text_table,
)
from journeyflow.definition.policies import Cap, Policies, QuietHours
from journeyflow.formats.policies import policies_to_dict


def _cap_line(cap: Cap) -> tuple[str, str, str]:
    channel = cap.channel or "all channels"
    if cap.count is None:
        return ("cap", channel, "off")
    length = f"per {cap.per}" if cap.per else f"within {cap.within}"
    return ("cap", channel, f"at most {cap.count} {length}, else {'deferred' if cap.over == 'defer' else 'skipped'}")


def _quiet_line(quiet: QuietHours) -> tuple[str, str, str]:
    hours = quiet.hours
    days = "every day" if len(hours.weekdays) == len(WEEKDAYS) else weekdays_in_words(hours.weekdays)
    return ("quiet", quiet.channel or "all channels", f"{write_clock(hours.start)} to {write_clock(hours.end)}, {days}")


def _lines(policies: Policies) -> str:
    """Format policies for people."""
    rows = [*map(_cap_line, policies.caps), *map(_quiet_line, policies.quiet)]
    for channel, retry in policies.retries.items():
        rows.append(("retry", channel, f"after {', '.join(map(str, retry.delays))}" if retry.delays else "never"))
    if policies.timezone is not None:
        rows.append(("zone", policies.timezone, "for customers without a zone of their own"))
    return text_table(rows, ("policy", "binds", "what")) if rows else "no policies"


@click.command()
@database
@click.argument("file", type=A_FILE, required=False)
@now_option()
@tenant
@as_json
def policies(db: Database, file: Path | None, at: datetime, tenant: str, *, as_json: bool) -> None:
    """Show the caps and quiet hours of a tenant, or set them from a policy file, as of an instant."""
    wanted = None if file is None else load_policies(file)
    with opened_database(db, tenant) as engine:
        if wanted is not None:
            engine.set_policies(wanted, at=at)
        found = engine.policies(at=at) if wanted is None else engine.policies()
    show(policies_to_dict(found), _lines(found), as_json=as_json)


COMMANDS = (policies,)
