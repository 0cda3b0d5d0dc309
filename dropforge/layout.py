"""Where everything lies in the lake bucket. One function a place; nobody else joins keys."""

from typing import NamedTuple


class S3Uri(NamedTuple):
    """An object or prefix in S3."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Uri":
        """Take `s3://bucket/key` apart.

        Raises:
            ValueError: not an S3 URI.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise ValueError(f"not an S3 URI: {uri!r}")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, part: str) -> "S3Uri":
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{part}".lstrip("/"))


def project_spec(lake: str, project: str, version: str) -> S3Uri:
    """A pushed project, content-addressed and never changed."""
    return S3Uri(lake, f"projects/{project}/{version}/spec.json")


def history_table(lake: str, project: str) -> S3Uri:
    """The Delta table of everything accepted with labels."""
    return S3Uri(lake, f"lake/{project}/history")


def profiles(lake: str, project: str) -> S3Uri:
    """The profiles of the history's data files, one document a file, and their totals."""
    return S3Uri(lake, f"lake/{project}/profiles")


def predictions_table(lake: str, project: str) -> S3Uri:
    """The Delta table of everything scored in batch."""
    return S3Uri(lake, f"lake/{project}/predictions")


def run_root(lake: str, project: str, run: str) -> S3Uri:
    """Everything that one run wrote about itself."""
    return S3Uri(lake, f"runs/{project}/{run}")


def prepare_result(lake: str, project: str, run: str, round_: int) -> S3Uri:
    """What Prepare found, a document a round (a run prepares again while drops arrive)."""
    return run_root(lake, project, run) / f"prepare-{round_}.json"


def snapshot(lake: str, project: str, run: str, round_: int) -> S3Uri:
    """Train, validation and holdout rows of one training."""
    return run_root(lake, project, run) / f"snapshot-{round_}"


def scoring(lake: str, project: str, run: str, round_: int) -> S3Uri:
    """The rows to be scored, a Parquet file a drop."""
    return run_root(lake, project, run) / f"scoring-{round_}"


def evaluation(lake: str, project: str, run: str) -> S3Uri:
    """The holdout's figures, for Decide."""
    return run_root(lake, project, run) / "evaluation.json"


def report(lake: str, project: str, run: str) -> S3Uri:
    """The report that people read."""
    return run_root(lake, project, run) / "report.html"


def verdict(lake: str, project: str, run: str) -> S3Uri:
    """What was decided, rule by rule."""
    return run_root(lake, project, run) / "verdict.json"


def tracking(lake: str, project: str, run: str) -> S3Uri:
    """What became of sending the run to a tracking server."""
    return run_root(lake, project, run) / "tracking.json"


def reproduction(lake: str, project: str, job: str) -> S3Uri:
    """What making a model again found."""
    return run_root(lake, project, job) / "reproduction.json"


def registration(lake: str, project: str, run: str) -> S3Uri:
    """Which model package the run registered."""
    return run_root(lake, project, run) / "registration.json"


def deployment(lake: str, project: str, run: str) -> S3Uri:
    """What the run changed at the endpoint."""
    return run_root(lake, project, run) / "deployment.json"


def shadow(lake: str, project: str, run: str) -> S3Uri:
    """What the run changed at the endpoint's shadow."""
    return run_root(lake, project, run) / "shadow.json"


def score_result(lake: str, project: str, run: str) -> S3Uri:
    """Which files the run scored, and where the predictions are."""
    return run_root(lake, project, run) / "score.json"


def training_output(lake: str, project: str, run: str) -> S3Uri:
    """Where Train's job writes: the artifact is `<job>/output/model/` below it."""
    return S3Uri(lake, f"models/{project}/{run}")


def predictions_csv(lake: str, project: str, period: str, name: str, drop: str) -> S3Uri:
    """The predictions file of one drop."""
    return S3Uri(lake, f"predictions/{project}/{period}/{name}-{drop[:8]}.csv")


def quarantine(lake: str, project: str, period: str, drop: str) -> S3Uri:
    """The explanation of a file that was not taken: report.html, reasons.json and rows.csv."""
    return S3Uri(lake, f"quarantine/{project}/{period}/{drop}")


def capture(lake: str) -> S3Uri:
    """The endpoints' data capture: SageMaker appends endpoint/variant/yyyy/mm/dd/hh."""
    return S3Uri(lake, "capture")
