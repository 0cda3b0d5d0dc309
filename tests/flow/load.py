"""Requests to an endpoint while something happens to it, and what came of each."""

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.flow.account import Account
from tests.flow.customers import customers

ROWS = customers(3, seed=99, labelled=False)
_CALLERS = 2
_ONE_TRY = Config(retries={"total_max_attempts": 1})


def ask(runtime: Any, endpoint: str) -> str:
    """The version of the model that answers three rows."""
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Accept="application/json", Body=ROWS
    )
    predictions = json.loads(answer["Body"].read())["predictions"]
    (version,) = {prediction["model_version"] for prediction in predictions}
    assert len(predictions) == 3
    return str(version)


class Load:
    """Two callers, each pausing as long as a request takes: about half of what they could ask.

    `versions` counts the answers by model version; `failures` are the requests without one. No
    request is tried again.
    """

    def __init__(self, account: Account, endpoint: str) -> None:
        self._account, self._endpoint = account, endpoint
        self._over = threading.Event()
        self.versions: Counter[str] = Counter()
        self.failures: list[str] = []

    def __enter__(self) -> "Load":
        self._pool = ThreadPoolExecutor(_CALLERS)
        self._callers = [self._pool.submit(self._call) for _ in range(_CALLERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for caller in self._callers:
            caller.result()
        self._pool.shutdown()

    def _call(self) -> None:
        runtime = self._account.client("sagemaker-runtime", config=_ONE_TRY)
        while not self._over.is_set():
            began = time.monotonic()
            try:
                self.versions[ask(runtime, self._endpoint)] += 1
            except (ClientError, BotoCoreError) as error:
                self.failures.append(str(error))
            self._over.wait(time.monotonic() - began)
