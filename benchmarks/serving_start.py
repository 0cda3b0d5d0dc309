"""From starting a process to its first answer: ours beside the same with `import lightgbm`."""

import statistics
from pathlib import Path

from benchmarks.serving_contenders import BARE, ours, uvicorn
from benchmarks.serving_questions import Questions, ask_ours, ask_sagemaker
from benchmarks.serving_servers import running
from benchmarks.table import Goal, Row

GOAL = Goal(0.30)
PAUSE = 0.002
PLAIN = "benchmarks.servers.plain:application"


def first_answer(
    python: str, artifact: Path, questions: Questions, scratch: Path, workers: int, rounds: int
) -> Row:
    """The medians of `rounds` starts each, in turns, after one of each that does not count.

    Ours has answered its golden rows by then, too; the other has one worker.
    """
    log = scratch / "start.log"
    model = str(artifact / "model" / "model.txt")
    taken: dict[str, list[float]] = {"ours": [], "import": []}
    for number in range(rounds + 1):
        server = ours(python, artifact, workers, "ours").server
        plain = uvicorn(python, PLAIN, 1, {"BENCH_MODEL": model}, BARE)
        for name, one, ask in (("ours", server, ask_ours), ("import", plain, ask_sagemaker)):
            with running(one, log, ask(questions, "csv", 1), PAUSE) as seconds:
                taken[name] += [seconds] if number else []
    mine, other = (statistics.median(taken[name]) for name in ("ours", "import"))
    what = "process start to first answer, baseline: import lightgbm"
    return Row(what, "s", mine, other, goal=GOAL)
