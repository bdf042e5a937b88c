"""An engine inside a FastAPI application: uvicorn with_fastapi:app"""

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from worker import hello, send_email

from journeyflow import Engine, Event

log = logging.getLogger(__name__)

SECONDS = 15.0


@asynccontextmanager
async def lifespan(app):
    with Engine("journeys.db", channels={"EMAIL": send_email}) as engine:  # in each worker process, after the fork
        await asyncio.to_thread(engine.deploy, hello, at=datetime.now(UTC))
        app.state.engine = engine
        ticking = asyncio.create_task(tick_for_ever(engine))
        yield
        ticking.cancel()
        await asyncio.to_thread(engine.close)  # a tick in its thread ends after the message that is being delivered


async def tick_for_ever(engine):
    while True:
        pause = SECONDS
        try:
            result = await asyncio.to_thread(engine.tick, datetime.now(UTC))
            if result.more:
                pause = min(1.0, SECONDS)  # answers of handlers, for example, are work for the next tick
        except Exception:
            log.exception("the tick failed; the next one takes up what is left")
        await asyncio.sleep(pause)


app = FastAPI(lifespan=lifespan)


@app.post("/signups/{customer}", status_code=202)
def signed_up(customer: str, request: Request):  # a plain def: FastAPI runs it in a thread
    event = Event("signed.up", customer=customer, at=datetime.now(UTC), id=f"signup-{customer}")
    request.app.state.engine.feed(event)  # known by its id: a repeated request changes nothing
