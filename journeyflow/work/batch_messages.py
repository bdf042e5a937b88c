"""The messages of one batch: those at hand, what rules and caps read of them, and how they have changed."""

from collections.abc import Iterable, Mapping, Sequence

from journeyflow.basics.words import COUNTED
from journeyflow.catalog.catalog import Catalog
from journeyflow.machine.program import Program
from journeyflow.records.message_ids import read_id
from journeyflow.records.rows import Glimpse, Post, Run, name_of
from journeyflow.stores.batch import Loaded


class Messages:
    """The messages while a batch is handled."""

    def __init__(self, catalog: Catalog, runs: dict[int, Run]) -> None:
        """Start empty. `runs` are those of the batch, by serial."""
        self._catalog, self._runs = catalog, runs
        self.posts: dict[tuple[int, int], Post] = {}
        self.newest: dict[int, dict[str, Glimpse]] = {}
        """The newest message of each step, by serial and step, of the runs whose rules read messages (R59)."""
        self.sent: dict[int, dict[tuple[int, int], tuple[int, str]]] = {}
        """What caps count, by customer: (serial, n) to (instant, channel) (R31)."""
        self.clicked: dict[int, dict[tuple[int, int], None]] = {}
        """The messages that were clicked, by customer (R83)."""
        # the output of the batch
        self.new: dict[tuple[int, int], None] = {}
        self.touched: dict[tuple[int, int], None] = {}

    def lay_out(self, loaded: Loaded, due: Mapping[tuple[int, int], Post]) -> None:
        """Take over what was loaded, and the messages whose leases end."""
        self.posts = {**due, **loaded.posts}
        for post in self.posts.values():
            if "clicked" in post.flags and post.serial in self._runs:
                self.click(self._runs[post.serial].customer, post)
        self.newest = {**loaded.newest}
        for serial, posts in loaded.newest.items():
            run = self._runs.get(serial)
            if run is not None and run.memory is not None and "renamed" in run.memory:
                in_order = sorted(posts.values(), key=lambda post: post.n)
                self.newest[serial] = {name_of(run, post): post for post in in_order}
        for customer, serial, n, at, channel in loaded.sent:
            self.sent.setdefault(customer, {})[serial, n] = (at, channel)

    def named(self, message: object) -> Post | None:
        """Return the message with an id (R70), or None if no message of this database has it."""
        read = read_id(message)
        if read is None:
            return None
        nonce, serial, n = read
        post = self.posts.get((serial, n))
        return post if post is not None and self._catalog.nonces[post.nonce] == nonce else None

    def click(self, customer: int, post: Post) -> None:
        """Record that a customer clicked a message."""
        self.clicked.setdefault(customer, {})[post.serial, post.n] = None

    def add(self, posts: Sequence[Post], program: Program) -> None:
        """Add the new messages of a run, at least one."""
        for post in posts:
            key = post[:2]
            self.posts[key] = post
            self.new[key] = None
        if program.reads_posts:  # these messages are now the newest of their steps (R59)
            newest = self.newest.setdefault(posts[0].serial, {})
            for post in posts:
                newest[post.step] = post
        if program.tenant in self._catalog.capped:
            for post in posts:
                self._count(post)

    def set(self, post: Post) -> None:
        """Record a message's new state."""
        key = (post.serial, post.n)
        self.posts[key] = post
        if key not in self.new:
            self.touched[key] = None
        if self._catalog.capped:
            self._count(post)
        run = self._runs[post.serial]
        if run.version in self._catalog.reading_posts:
            newest = self.newest.setdefault(post.serial, {})
            name = post.step if run.memory is None else name_of(run, post)
            held = newest.get(name)
            if held is None or held.n <= post.n:
                newest[name] = post

    def _count(self, post: Post) -> None:
        """Add a message to those that caps count, or remove it, depending on its status (R31)."""
        sent = self.sent.setdefault(self._runs[post.serial].customer, {})
        if post.status in COUNTED:
            sent[post.serial, post.n] = (post.at, post.channel)
        else:
            sent.pop((post.serial, post.n), None)

    def of(self, keys: Iterable[tuple[int, int]]) -> tuple[Post, ...]:
        """Return the messages under some keys as they are now."""
        return tuple(map(self.posts.__getitem__, keys))
