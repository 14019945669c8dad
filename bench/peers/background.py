"""FastAPI with BackgroundTasks, as its documentation has it: the same job, and the same number of records kept for whoever asks."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import BackgroundTasks, FastAPI, HTTPException
from pydantic import BaseModel

from bench.peers import KEPT

app = FastAPI()
_kept: dict[str, Task] = {}


class Launch(BaseModel):
    """What is asked."""

    type: str
    params: dict[str, Any]


class Task(BaseModel):
    """What is kept of it."""

    id: str
    type: str
    params: dict[str, Any]
    status: str = "pending"


async def noop(task: Task) -> None:
    """The job."""
    task.status = "completed"


@app.post("/tasks", status_code=201)
async def launch(asked: Launch, background: BackgroundTasks) -> Task:
    """Accept a task."""
    task = Task(id=str(uuid.uuid4()), type=asked.type, params=asked.params)
    _kept[task.id] = task
    if len(_kept) > KEPT:
        del _kept[next(iter(_kept))]
    background.add_task(noop, task)
    return task


@app.get("/tasks/{task_id}")
async def show(task_id: str) -> Task:
    """One task."""
    if task_id not in _kept:
        raise HTTPException(404)
    return _kept[task_id]
