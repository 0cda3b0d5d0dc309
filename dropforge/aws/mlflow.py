"""An MLflow tracking server, by its REST API: one on the network, or one that SageMaker manages.

https://mlflow.org/docs/latest/api_reference/rest-api.html. A managed server is asked at
`https://<region>.experiments.sagemaker.aws` with its ARN in a header and the request signed
(https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-track-experiments.html). Five calls suffice,
so the job image goes without MLflow's dozens of packages (docs/decisions/0010-tracking.md).
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session

from dropforge.aws.documents import write_bytes
from dropforge.errors import DropforgeError
from dropforge.tracking import RUN_TAG, TrackedRun

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

ATTEMPTS = 3
TIMEOUT_SECONDS = 10
MAX_ITEMS = 100
"""Parameters or tags in one request: the API's own limit."""

MAX_VALUE = 5000
"""Characters of a tag or parameter that every store keeps."""


class TrackingUnavailable(DropforgeError):
    """A tracking server that does not answer, or refuses."""


class MLflowServer:
    """One tracking server. `address` is `http(s)://host[:port]`, or a managed server's ARN."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session = URLLib3Session(timeout=TIMEOUT_SECONDS)
        self._signer: SigV4Auth | None = None
        self._headers = {"Content-Type": "application/json"}
        self._base = address.rstrip("/")
        if address.startswith("arn:"):
            region = address.split(":")[3]
            self._base = f"https://{region}.experiments.sagemaker.aws"
            self._headers["x-mlflow-sm-tracking-server-arn"] = address
            credentials = boto3.Session().get_credentials()
            self._signer = SigV4Auth(credentials, "sagemaker-mlflow", region)

    def track(self, run: TrackedRun, files: Mapping[str, bytes]) -> str:
        """Keep a run, its trials as child runs, and files beside it; answers the server's run id.

        A run that is there already is left alone; one that was cut off is made anew.

        Raises:
            TrackingUnavailable: the server cannot be reached, or refuses.
        """
        experiment = self._experiment(run.experiment)
        for found in self._search(experiment, run.tags[RUN_TAG]):
            if found["status"] == "FINISHED":
                return str(found["run_id"])
            self._post("runs/delete", {"run_id": found["run_id"]})
        created = self._create(experiment, run.name, run.started_ms, run.tags)
        identity = str(created["run_id"])
        self._log(identity, run.params, run.metrics, run.ended_ms)
        for step, trial in enumerate(run.trials):
            child = self._create(
                experiment,
                trial.name,
                run.started_ms,
                trial.tags | {"mlflow.parentRunId": identity},
            )["run_id"]
            self._log(child, trial.params, trial.metrics, run.ended_ms)
            self._finish(child, run.ended_ms)
            steps = {f"trial.{name}": value for name, value in trial.metrics.items()}
            self._log(identity, {}, steps, run.ended_ms, step)
        for name, body in files.items():
            self._put_file(str(created["artifact_uri"]), name, body)
        self._finish(identity, run.ended_ms)
        return identity

    def place(self, run: TrackedRun, identity: str) -> str:
        """Where a person finds a run: its page, or its experiment's name on a managed server."""
        if self._signer is not None:
            return f"{self.address}, experiment {run.experiment}, run {run.name}"
        experiment = self._experiment(run.experiment)
        return f"{self._base}/#/experiments/{experiment}/runs/{identity}"

    def _experiment(self, name: str) -> str:
        query = f"experiments/get-by-name?experiment_name={quote(name, safe='')}"
        status, answer = self._call("GET", f"/api/2.0/mlflow/{query}")
        if status == 200:
            return str(answer["experiment"]["experiment_id"])
        if answer.get("error_code") != "RESOURCE_DOES_NOT_EXIST":
            raise self._refused(status, answer)
        status, answer = self._call(
            "POST", "/api/2.0/mlflow/experiments/create", _json({"name": name})
        )
        if answer.get("error_code") == "RESOURCE_ALREADY_EXISTS":  # somebody was quicker
            return self._experiment(name)
        if status != 200:
            raise self._refused(status, answer)
        return str(answer["experiment_id"])

    def _search(self, experiment: str, run: str) -> list[dict[str, Any]]:
        answer = self._post(
            "runs/search",
            {
                "experiment_ids": [experiment],
                "filter": f"tags.`{RUN_TAG}` = '{run}'",
                "max_results": 10,
            },
        )
        return [found["info"] for found in answer.get("runs", [])]

    def _create(
        self, experiment: str, name: str, started_ms: int, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        document = {
            "experiment_id": experiment,
            "run_name": name,
            "start_time": started_ms,
            "tags": [_pair(key, value) for key, value in tags.items()],
        }
        info: dict[str, Any] = self._post("runs/create", document)["run"]["info"]
        return info

    def _log(
        self,
        run: str,
        params: Mapping[str, str],
        metrics: Mapping[str, float],
        at_ms: int,
        step: int = 0,
    ) -> None:
        values = [
            {"key": key, "value": value, "timestamp": at_ms, "step": step}
            for key, value in metrics.items()
        ]
        pairs = [_pair(key, value) for key, value in params.items()]
        if values:
            self._post("runs/log-batch", {"run_id": run, "metrics": values})
        for some in _in_batches(pairs):
            self._post("runs/log-batch", {"run_id": run, "params": some})

    def _finish(self, run: str, ended_ms: int) -> None:
        self._post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": ended_ms})

    def _put_file(self, artifacts: str, name: str, body: bytes) -> None:
        scheme, _, rest = artifacts.partition(":/")
        if scheme == "s3":
            self._put_object(f"{artifacts}/{name}", body)
        elif scheme == "mlflow-artifacts":
            place = quote(f"{rest.strip('/')}/{name}")
            status, answer = self._call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{place}", body)
            if status != 200:
                raise self._refused(status, answer)
        else:
            logger.info("%s is kept beside no run: artifacts are in %s", name, scheme or artifacts)

    def _put_object(self, uri: str, body: bytes) -> None:
        try:
            write_bytes(uri, body, "application/octet-stream")
        except ClientError as error:
            raise TrackingUnavailable(
                f"The tracking server {self.address} keeps files at {uri}, which refused one: "
                f"{error}."
            ) from error

    def _post(self, call: str, document: Mapping[str, Any]) -> dict[str, Any]:
        status, answer = self._call("POST", f"/api/2.0/mlflow/{call}", _json(document))
        if status != 200:
            raise self._refused(status, answer)
        return answer

    def _call(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
        """One request, tried again while the server is out of reach or overloaded."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status, content = self._send(method, path, body)
            except BotoCoreError as error:
                if attempt == ATTEMPTS:
                    raise TrackingUnavailable(
                        f"Tried {ATTEMPTS} times to reach the tracking server {self.address}: "
                        f"{error}."
                    ) from error
            else:
                if status < 500 and status != 429 or attempt == ATTEMPTS:
                    return status, _parsed(content)
            time.sleep(2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def _send(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        headers = dict(self._headers)
        if self._signer is not None:
            headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
        request = AWSRequest(method=method, url=self._base + path, data=body, headers=headers)
        if self._signer is not None:
            self._signer.add_auth(request)
        answer = self._session.send(request.prepare())
        return answer.status_code, answer.content

    def _refused(self, status: int, answer: Mapping[str, Any]) -> TrackingUnavailable:
        why = answer.get("message") or answer.get("error_code") or "no message"
        return TrackingUnavailable(
            f"The tracking server {self.address} answered {status}: {str(why)[:300]}."
        )


def _pair(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value[:MAX_VALUE]}


def _in_batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(items), MAX_ITEMS):
        yield list(items[start : start + MAX_ITEMS])


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content) if content else {}
    except ValueError:
        return {"message": "an answer that is not JSON"}
    return answer if isinstance(answer, dict) else {}
