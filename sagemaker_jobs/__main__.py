"""`python -m sagemaker_jobs <job> [arguments]`: dispatch, and how a job fails.

A job that fails exits with 1 and leaves one paragraph where SageMaker reads it; the trace goes to
the log only.
"""

import importlib
import logging
import sys

from dropforge.errors import DropforgeError
from sagemaker_jobs import failure, startup

JOBS = ("prepare", "train", "evaluate", "score", "reproduce", "serve")

logger = logging.getLogger("sagemaker_jobs")


def main(arguments: list[str]) -> int:
    """Run one job; answers the process's exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not arguments or arguments[0] not in JOBS:
        print(f"usage: python -m sagemaker_jobs {{{'|'.join(JOBS)}}} [arguments]", file=sys.stderr)
        return 2
    job, *rest = arguments
    try:
        # Imported late: a job pays for its own libraries only.
        importlib.import_module(f"sagemaker_jobs.{job}").main(rest)
    except DropforgeError as error:
        logger.error("%s failed: %s", job, error)
        failure.report(job, error)
        return 1
    except Exception as error:
        logger.exception("%s failed", job)
        failure.report(job, error)
        return 1
    return 0


if __name__ == "__main__":
    startup.configure("".join(sys.argv[1:2]))
    sys.exit(main(sys.argv[1:]))
