"""An engine inside a Flask application: flask --app with_flask run, and beside it flask --app with_flask work"""

from datetime import UTC, datetime
from functools import cache

from flask import Flask
from worker import hello, run_until_stopped, send_email

from journeyflow import Engine, Event

app = Flask(__name__)


@cache
def engine():
    return Engine("journeys.db")  # one for each process, opened when it is first wanted: after a fork


@app.post("/signups/<customer>")
def signed_up(customer):
    engine().feed(Event("signed.up", customer=customer, at=datetime.now(UTC), id=f"signup-{customer}"))
    return "", 202


@app.cli.command()
def work():
    """Tick and deliver until SIGTERM."""
    with Engine("journeys.db", channels={"EMAIL": send_email}) as worker:
        worker.deploy(hello, at=datetime.now(UTC))
        run_until_stopped(worker)
