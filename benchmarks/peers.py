"""The welcome journey and the mixed month on what a user would pick instead, against this engine.

Each peer does them as its documentation proposes; `peers.toml` says how, and what it cannot do. In the welcome
everybody signs up, gets a mail, and three days later a text message, because nobody opened. The month is that of
`mixed.py` with hourly ticks; what a peer has no word for is its host's (`_hosted.py`). Both sides must have sent the
same messages at the same instants, and ended their runs alike. Peers that survive the death of their process are held
against the engine on a file or on a server, the others against the engine in memory. A slow peer goes through with
fewer customers; what is compared is what a customer costs.

CPU and wall time of the whole process, threads included, but not of a server. Argument: the most customers of each.
"""

import logging
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import _this_engine
from _common import apart, count_from_arguments, quotients, report, spent
from _far_server import SERVER, SYNCED, missing, served
from _lived import Lived
from mixed import Told
from mixed import month as told

ROUNDS = 3
OURS = 500
"""So many customers go through the engine, whose ticks cost something with nobody there, too."""

FEW = 3
"""So many customers go first, for what is imported late."""

WHAT = ("welcome", "month")
Counts = dict[str, int]
"""How many customers go through what."""

Peer = dict[str, Any]
"""A table of `peers.toml`."""

PEERS: dict[str, Peer] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def gone(work: Callable[[Path, int], int], folder: Path, count: int) -> Lived:
    """Go through the welcome, and see that everybody got both messages."""
    found = list[int]()
    cost = spent(lambda: found.append(work(folder, count)))
    assert found == [2 * count]
    return Lived(*cost)


def costs(
    welcome: Callable[[Path, int], int], month: Callable[[Path, list[Told]], Lived], counts: Counts
) -> dict[str, Lived]:
    """Return what both journeys cost, once the welcome was gone through with few customers."""
    found = {}
    for what, count in {"": FEW, **counts}.items():
        with tempfile.TemporaryDirectory(prefix="peer") as name:
            folder = Path(name)
            found[what] = month(folder, told(count)) if what == "month" else gone(welcome, folder, count)
    return found


def on_engine(place: str, counts: Counts) -> dict[str, Lived]:
    """Return what both cost the engine."""
    return costs(partial(_this_engine.welcome, place), partial(_this_engine.month, place), counts)


def on_peer(module: str, counts: Counts) -> dict[str, Lived]:
    """Return what both cost a peer, whose log and whose output nobody reads."""
    logging.disable(logging.ERROR)
    with Path(os.devnull).open("w", encoding="utf-8") as nothing, redirect_stdout(nothing):
        peer = import_module(module)
        return costs(peer.welcome, lambda folder, told: peer.Month(folder).live(told), counts)


def named(name: str, peer: Peer) -> str:
    """Return a peer with its version, if it is a package."""
    return f"{name} ({peer['package']} {version(peer['package'])})" if "package" in peer else name


def main() -> None:
    """Run the engine at each place and each peer, in turn and in processes of their own, and print the medians."""
    most = count_from_arguments(OURS)
    with ExitStack() as stack:
        peers = PEERS
        if why := missing():
            print(f"without PostgreSQL: {why}", file=sys.stderr)
            peers = {name: peer for name, peer in PEERS.items() if peer["beside"] != "PostgreSQL"}
        else:
            os.environ[SERVER] = stack.enter_context(served(**SYNCED))
        compare(peers, most)


def compare(peers: dict[str, Peer], most: int) -> None:
    """Compare some peers."""
    counts = {name: {what: min(peer[what], most) for what in WHAT} for name, peer in peers.items()}
    places = dict.fromkeys(peer["beside"] for peer in peers.values())
    ours: dict[str, list[dict[str, Lived]]] = {place: [] for place in places}
    its: dict[str, list[dict[str, Lived]]] = {name: [] for name in peers}
    right = {n: apart(on_engine, "memory", {"month": n})["month"] for n in {each["month"] for each in counts.values()}}
    for _ in range(ROUNDS):
        for place, found in ours.items():
            found.append(apart(on_engine, place, dict.fromkeys(WHAT, min(OURS, most))))
        for name, runs in its.items():
            runs.append(apart(on_peer, peers[name]["module"], counts[name]))
            assert runs[-1]["month"].agrees(right[counts[name]["month"]]), f"{name} decided otherwise"
    for name, peer in peers.items():
        for what, count in counts[name].items():
            for number, unit in enumerate(("us CPU a customer", "us a customer")):
                theirs = [1e6 * run[what][number] / count for run in its[name]]
                mine = [1e6 * run[what][number] / min(OURS, most) for run in ours[peer["beside"]]]
                report("peers", f"{what}, {named(name, peer)}", theirs, unit, n=count,
                       against=f"the engine, {peer['beside']}", ratio=quotients(theirs, mine))  # fmt: skip


if __name__ == "__main__":
    main()
