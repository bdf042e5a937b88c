"""What a batch has in hand when it ends: messages, runs and customers, as its changes leave them (R71).

A claim in the same commit need not ask the store for them, which does not show them yet.
"""

from collections.abc import Mapping
from typing import NamedTuple

from journeyflow.records.changes import Changes
from journeyflow.records.rows import Post, Run, patched, posts_of, runs_of
from journeyflow.stores.batch import NOTHING, CustomerInHand, Due, Loaded


class Hand(NamedTuple):
    """Messages that a batch has made or changed, by (serial, n); runs and customers, changed or not, by number.

    `whole` is whether the batch has handled everything that was due, so that no input withholds a message.
    """

    posts: Mapping[tuple[int, int], Post] = NOTHING
    runs: Mapping[int, Run] = NOTHING
    people: Mapping[int, CustomerInHand] = NOTHING
    whole: bool = False


EMPTY = Hand()


def in_hand(due: Due, loaded: Loaded, changes: Changes) -> Hand:
    """Return what is in hand after a batch that has handled everything that was due."""
    posts = {post[:2]: post for post in (*changes.posts, *changes.new_posts)}
    runs = {**due.runs, **loaded.runs} | {run.serial: run for run in changes.runs}
    people = {person.number: person for person in loaded.people}
    new = [row for row in changes.customers if row[0] not in people]  # the others have changed as the batch went on
    people.update((row[0], CustomerInHand(*row)) for row in new)
    for crowd in changes.crowds:
        posts.update((post[:2], post) for post in posts_of(crowd))
        runs.update((run.serial, run) for run in runs_of(crowd, runs))
        for number in crowd.people.values() if crowd.news else ():
            person = people[number]
            people[number] = CustomerInHand(number, person.tenant, person.id, patched(person.attributes, crowd.news))
    return Hand(posts, runs, people, whole=True)


def with_posts(changes: Changes, news: Mapping[tuple[int, int], Post]) -> tuple[tuple[Post, ...], tuple[Post, ...]]:
    """Return the new and the changed messages of changes, with new values of some, which may be among them."""
    if not news:
        return changes.new_posts, changes.posts
    left = dict(news)
    new_posts = tuple(left.pop(post[:2], post) for post in changes.new_posts)
    known = {post[:2]: post for post in changes.posts} | left
    return new_posts, tuple(known.values())
