"""The directory of the HTTP services: what is in it, filling it from a file, giving out keys and taking them back."""

from datetime import datetime
from pathlib import Path

import click

from journeyflow.basics.moments import to_micros
from journeyflow.basics.showing import counted
from journeyflow.cli.shared import A_FILE, NEW, Instant, as_json, show, text_of, text_table
from journeyflow.errors import InvalidInput
from journeyflow.formats.json_parts import parse
from journeyflow.services.directory import PERMISSIONS, SQLiteDirectory
from journeyflow.services.directory.loading import load_directory


@click.command()
@click.argument("file", type=NEW)
@click.option(
    "--load", "document", type=A_FILE, help="Add what a JSON file holds: users, lists, emails, subscribers, ..."
)
@click.option("--add-key", type=int, metavar="USER", help="Give a user a key, and print it: it is kept as a hash only.")
@click.option("--add-session", type=int, metavar="USER", help="Give a user a session, and print it.")
@click.option("--add-admin-key", is_flag=True, help="Make a key of an administrator, and print it.")
@click.option("--secret", help="The key or session itself, such as one that clients have; default: drawn.")
@click.option("--permit", multiple=True, type=click.Choice(PERMISSIONS), help="What it may do; default: everything.")
@click.option("--expires", type=Instant(), help="When it ends; default: never.")
@click.option("--revoke", metavar="SECRET", help="Take a key or a session back.")
@as_json
def directory(
    *,
    file: Path,
    document: Path | None,
    add_key: int | None,
    add_session: int | None,
    secret: str | None,
    permit: tuple[str, ...],
    expires: datetime | None,
    revoke: str | None,
    add_admin_key: bool,
    as_json: bool,
) -> None:
    """Show or fill the directory of the HTTP services: users, keys, lists, subscribers. Makes a missing file."""
    wanted = {"key": add_key, "session": add_session, "admin": None}
    asked = [kind for kind, user in wanted.items() if user is not None or (kind == "admin" and add_admin_key)]
    if len(asked) > 1:
        msg = "add one key or session at a time"
        raise click.UsageError(msg)
    said: list[str] = []
    with SQLiteDirectory(file) as opened:
        if document is not None:
            said += [f"loaded: {name}: {count}" for name, count in _loaded(opened, document).items()]
        if revoke is not None:
            said.append(f"revoked: {counted(opened.remove_secrets(secret=revoke), 'secret')}")
        made = None
        for kind in asked:
            end = None if expires is None else to_micros(expires)
            made = opened.add_secret(
                kind, user=wanted[kind], secret=secret, permissions=permit or PERMISSIONS, expires_at=end
            )
            said.append(f"{kind}: {made}")
        users, counts = opened.users(), opened.counts()
    rows = [(user.id, user.tenant, user.name) for user in users]
    said.append(text_table(rows, ("user", "tenant", "name")) if rows else "no users")
    said.append(", ".join(f"{name}: {count}" for name, count in counts.items()))
    show({"secret": made, "users": users, "counts": counts}, "\n".join(said), as_json=as_json)


def _loaded(opened: SQLiteDirectory, document: Path) -> dict[str, int]:
    """Fill a directory from a file; return how much was taken."""
    text = text_of(document)
    try:
        return load_directory(opened, parse(text))
    except InvalidInput as error:
        raise InvalidInput([f"{document}: {fault}" for fault in error.faults]) from error
    except ValueError as error:  # no JSON
        raise InvalidInput([f"{document}: {error}"]) from error


COMMANDS = (directory,)
