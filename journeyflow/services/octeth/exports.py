"""The calls about exports: submit a job, look at it, download its file (F190 to F197)."""

from datetime import date
from typing import Any

from journeyflow import Conflict, InvalidInput, NotFound
from journeyflow.services.octeth import shapes
from journeyflow.services.octeth.context import AskedFor, CallRefused, Context
from journeyflow.services.operations import CSV, HttpReply

DAYS = 30
"""How many days before its last one the usual window begins (F176)."""


def submit(context: Context, given: AskedFor) -> dict[str, Any]:
    """Put a job at the end of the queue; a worker makes the file (F190)."""
    days = context.window(given, "StatsStartDate", "StatsEndDate")
    status, until = given.get("Status", "all"), days["until"] or context.now.date()
    job = context.engine.submit_export(
        at=context.now,
        since=days["since"] or date.fromordinal(max(until.toordinal() - DAYS, 1)),
        until=until,
        status=None if status == "all" else status,
        include_steps=bool(given.get("IncludeActions")),
    )
    return {"Success": True, "ExportID": job.id}


def get(context: Context, given: AskedFor) -> object:
    """Return a job as it stands, or its file (F192, F195); one that the directory knows is of another module (F197)."""
    try:
        job = context.engine.export_job(given["ExportID"])
        if given.get("download"):
            file = context.engine.download_export(given["ExportID"])
            name = f"journey-export-{job.id}.csv"
            headers = {"Content-Type": f"{CSV}; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'}
            return HttpReply(200, file, headers)
    except (NotFound, InvalidInput):
        other = context.directory.resource("export", context.tenant, given["ExportID"])
        raise CallRefused("export" if other is None else "module") from None
    except Conflict:
        raise CallRefused("unfinished") from None
    options = job.options
    return {
        "Success": True,
        "ExportJob": {
            "ExportID": job.id,
            "Module": "JourneyExport",
            "Status": job.status.capitalize(),
            "ExportOptions": {
                "Command": "ExportJourneys",
                "StatsStartDate": options.get("since"),
                "StatsEndDate": options.get("until"),
                "Status": options.get("status") or "all",
                "IncludeActions": options.get("include_steps"),
            },
            "SubmittedAt": shapes.instant(job.submitted_at),
            "StartedAt": shapes.instant(job.started_at),
            "UpdatedAt": shapes.instant(job.updated_at),
            "FinishedAt": shapes.instant(job.finished_at),
            "ExpiresAt": shapes.instant(job.expires_at),
            "DownloadSize": job.size,
        },
    }
