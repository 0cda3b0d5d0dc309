"""A loaded artifact that answers requests: what the endpoint runs, and what Evaluate checks."""

from pathlib import Path
from typing import Any, Self

import orjson

from sagemaker_jobs.artifact.golden import Answer, check_golden, read_golden
from sagemaker_jobs.boosting.scorer import Scorer, read_contract
from sagemaker_jobs.serving.answers import choose, render
from sagemaker_jobs.serving.requests import JSON, RequestReader


class ServedModel:
    """Body in, body out; no I/O of its own. Not safe for use from several threads at once."""

    def __init__(self, scorer: Scorer, requests: RequestReader, version: str) -> None:
        self._scorer, self._requests, self._version = scorer, requests, version

    @classmethod
    def load(cls, artifact: Path, version: str) -> Self:
        """Load an artifact.

        Raises:
            ArtifactBroken: a file is missing, or the files do not fit each other.
        """
        scorer = Scorer.load(artifact)
        contract = read_contract(artifact)
        return cls(scorer, RequestReader(contract, scorer.features), version)

    def answer(self, content_type: str, accept: str, body: bytes) -> tuple[str, bytes]:
        """Score a body; answers content type and body.

        Raises:
            UnsupportedContentType: a body of another type.
            InvalidRequest: rows that break the contract.
        """
        question = self._requests.read(content_type, body)
        outcome = self._scorer.outcome(self._scorer.scores(question.frame))
        kind = choose(accept)
        return kind, render(kind, outcome, self._version, question.ids)

    def check_golden(self, artifact: Path) -> int:
        """Ask the model its golden rows, one at a time and all at once; answers how many.

        Raises:
            ArtifactBroken: an answer is not the offline one.
        """
        golden = read_golden(artifact)
        single = [self._ask([row.input])[0] for row in golden]
        check_golden(golden, single)
        check_golden(golden, self._ask([row.input for row in golden]))
        return len(golden)

    def _ask(self, rows: list[dict[str, object]]) -> list[Answer]:
        _, body = self.answer(JSON, JSON, orjson.dumps(rows))
        return [_answer(item) for item in orjson.loads(body)["predictions"]]


def _answer(item: dict[str, Any]) -> Answer:
    """One prediction as golden rows have it: with a score a class, in their order."""
    probabilities = item.get("probabilities")
    score = item["score"] if probabilities is None else list(probabilities.values())
    return score, item["decision"]
