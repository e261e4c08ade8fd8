"""`POST /v1/jobs` takes a long recording in; `GET /v1/jobs/ID` tells how far it is and what came of it; `DELETE` forgets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from fastdiar.serving.answers import JSON, DiarizationAnswer, chosen, reread, told
from fastdiar.serving.jobs.table import Job, JobTable, State
from fastdiar.serving.problems import Problem, described
from fastdiar.serving.recordings import TURNS, Embeddings, wishes
from fastdiar.serving.service import Service
from fastdiar.serving.uploads import BODY, ERRORS

AGAIN_SECONDS = 60
router = APIRouter(tags=["jobs"])
JobId = Annotated[str, Path(pattern=r"^[\w-]{22}$", description="the id that POST /v1/jobs gave")]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=100, description="of several requests with one key, only the first makes a job"),
]


class JobAnswer(BaseModel):
    """A job: how far it is (0 to 1), and once it is done its result, or if it failed the reason."""

    id: str
    state: State
    progress: float
    created: datetime
    finished: datetime | None = None
    result: DiarizationAnswer | None = None
    error: str | None = None


@router.post("/v1/jobs", status_code=202, responses={**ERRORS, **described(429)}, openapi_extra=BODY)
async def submit(
    request: Request,
    answer: Response,
    wished: Annotated[dict[str, Any], Depends(wishes)],
    embeddings: Embeddings = False,
    key: Key = None,
) -> JobAnswer:
    """Take in a recording to be diarized later. Once this is answered, the job is done whatever happens to the server."""
    service: Service = request.app.state.service
    table: JobTable = request.app.state.jobs
    service.diarizing(wished)
    counts = await to_thread.run_sync(table.counts)
    if counts["queued"] + counts["running"] >= service.settings.most_jobs:
        raise Problem(429, f"{service.settings.most_jobs} jobs are waiting: come again", AGAIN_SECONDS)

    job = await service.jobs.answer(request, lambda upload: table.add(upload, {**wished, "embeddings": embeddings}, key))
    answer.headers["Location"] = f"/v1/jobs/{job.id}"
    return _told(job)


@router.get("/v1/jobs/{job_id}", response_model=JobAnswer, responses={**TURNS, **described(401, 404, 406, 409, 422, 503)})
async def look(request: Request, job_id: JobId) -> Any:
    """How far a job is; the turns alone, once there are any, where `Accept` asks for RTTM and the like."""
    media_type = chosen(request.headers.get("accept", ""))
    job = await to_thread.run_sync(request.app.state.jobs.get, job_id)
    if job is None:
        raise _unknown(job_id)
    if media_type == JSON:
        return Response(_told(job).model_dump_json(), media_type=JSON)
    if job.result is None:
        raise Problem(409, f"the job is {job.state}" + (f": {job.error}" if job.error else ""))
    return told(reread(json.loads(job.result)), media_type)


@router.delete("/v1/jobs/{job_id}", status_code=204, responses=described(401, 404, 422, 503))
async def forget(request: Request, job_id: JobId) -> None:
    """Cancel a job, and delete its recording and its result."""
    if not await to_thread.run_sync(request.app.state.jobs.forget, job_id):
        raise _unknown(job_id)


def _told(job: Job) -> JobAnswer:
    return JobAnswer(
        id=job.id,
        state=job.state,
        progress=round(job.progress, 3),
        created=datetime.fromtimestamp(job.created, UTC),
        finished=None if job.finished is None else datetime.fromtimestamp(job.finished, UTC),
        result=None if job.result is None else json.loads(job.result),
        error=job.error,
    )


def _unknown(job_id: str) -> Problem:
    return Problem(404, f"there is no job {job_id}: it was cancelled, or its result was kept long enough")
