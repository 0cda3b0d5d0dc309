"""A loaded artifact that answers requests: what the endpoint runs, and what Evaluate checks."""

from pathlib import Path
from typing import Any, Self

import orjson

from sagemaker_jobs.artifact.golden import Answer, check_golden, read_golden
from sagemaker_jobs.boosting.native import Floats
from sagemaker_jobs.boosting.scorer import Output, Scorer, read_contract
from sagemaker_jobs.serving.answers import OneAnswer, choose, render
from sagemaker_jobs.serving.explain import MAX_ROWS as MAX_EXPLAINED
from sagemaker_jobs.serving.explain import Explainer
from sagemaker_jobs.serving.reading import MAX_ROWS, Question
from sagemaker_jobs.serving.refusals import BodyTooLarge, NotAcceptable
from sagemaker_jobs.serving.requests import CSV, JSON, RequestReader
from sagemaker_jobs.serving.single import single_scorer


class ServedModel:
    """Body in, body out; no I/O of its own.

    Several threads may ask at once, as long as no two ask for a single row.
    """

    def __init__(
        self,
        scorer: Scorer,
        requests: RequestReader,
        version: str,
        contract: dict[str, Any],
    ) -> None:
        self.scorer, self._requests = scorer, requests
        self.version, self.contract = version, contract
        calibration = Output.from_contract(contract["output"]).calibration
        self._threshold = scorer.threshold
        self._one = OneAnswer(version)
        self._single = single_scorer(scorer.features, scorer.booster, calibration)
        self._explainer = Explainer(scorer, calibration)

    @classmethod
    def load(cls, artifact: Path, version: str, *, max_rows: int = MAX_ROWS) -> Self:
        """Load an artifact.

        Raises:
            ArtifactBroken: a file is missing, or the files do not fit each other.
        """
        scorer = Scorer.load(artifact)
        contract = read_contract(artifact)
        requests = RequestReader(contract, scorer.features, max_rows=max_rows)
        return cls(scorer, requests, version, contract)

    def read(self, content_type: str, body: bytes) -> Question:
        """Read a body's rows.

        Raises:
            UnsupportedContentType: a body of another type.
            InvalidRequest: rows that break the contract.
        """
        return self._requests.read(content_type, body)

    def reply(
        self, question: Question, kind: str, inference_id: str | None, *, explain: bool = False
    ) -> bytes:
        """Score the rows and say it, as one of the content types.

        Raises:
            NotAcceptable: an explanation in CSV.
            BodyTooLarge: an explanation of too many rows.
        """
        if explain:
            _check_explained(kind, question.rows)
        elif self._single is not None and question.values is not None:
            score = self._single.score(question.values)
            decision = None if self._threshold is None else int(score >= self._threshold)
            return self._one.render(
                kind, score, decision, question.ids, inference_id, question.warnings
            )
        scores = self.scorer.scores(question.frame)
        return render(
            kind,
            self.scorer.outcome(scores),
            self.version,
            question.ids,
            inference_id=inference_id,
            warnings=question.warnings,
            explanations=self._explainer.explain(question.frame, scores) if explain else None,
        )

    def answer(self, content_type: str, accept: str, body: bytes) -> tuple[str, bytes]:
        """Score a body; answers content type and body.

        Raises:
            UnsupportedContentType: a body of another type.
            NotAcceptable: an answer in no type that there is.
            InvalidRequest: rows that break the contract.
        """
        kind = choose(accept)
        return kind, self.reply(self.read(content_type, body), kind, None)

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

    def golden_matrix(self, artifact: Path) -> Floats:
        """The features of the golden rows.

        Raises:
            ArtifactBroken: there are none.
        """
        rows = [row.input for row in read_golden(artifact)]
        return self.scorer.features.matrix(self._requests.read(JSON, orjson.dumps(rows)).frame)

    def _ask(self, rows: list[dict[str, object]]) -> list[Answer]:
        _, body = self.answer(JSON, JSON, orjson.dumps(rows))
        return [_answer(item) for item in orjson.loads(body)["predictions"]]


def _check_explained(kind: str, rows: int) -> None:
    if kind == CSV:
        raise NotAcceptable("Explanations are not for CSV: accept application/json.")
    if rows > MAX_EXPLAINED:
        raise BodyTooLarge(
            f"{rows:,} rows to explain: send at most {MAX_EXPLAINED:,} at a time, or ask without "
            "explanations."
        )


def _answer(item: dict[str, Any]) -> Answer:
    """One prediction as golden rows have it: with a score a class, in their order."""
    probabilities = item.get("probabilities")
    score = item["score"] if probabilities is None else list(probabilities.values())
    return score, item["decision"]
