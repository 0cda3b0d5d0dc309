"""A usual FastAPI endpoint: rows that pydantic checks, LightGBM, a response model.

uvicorn benchmarks.servers.fastapi_app:application
"""

from fastapi import FastAPI, Request
from pydantic import BaseModel

from benchmarks.servers import model

application = FastAPI()
model.booster()


class Rows(BaseModel):
    """The rows asked about, each the model's features in their order."""

    rows: list[list[float | None]]


class Scores(BaseModel):
    """A score a row."""

    scores: list[float]


@application.post("/invocations")
async def invocations(asked: Rows) -> Scores:
    """Rows as JSON."""
    return Scores(scores=model.predict(model.from_values(asked.rows)))


@application.post("/csv")
async def text(request: Request) -> Scores:
    """Rows as CSV: FastAPI parses no CSV, so its users do."""
    body = await request.body()
    return Scores(scores=model.predict(model.from_csv(body.decode())))


@application.get("/ping")
async def ping() -> dict[str, str]:
    """SageMaker's question whether it is there."""
    return {}
