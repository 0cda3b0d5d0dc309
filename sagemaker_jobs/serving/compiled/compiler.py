"""The process that compiles: `python -m sagemaker_jobs.serving.compiled.compiler ARTIFACT FILE`.

FILE is the number of an open file, which it fills, tries, and seals only if every answer has
LightGBM's bits. A crash of the new code is this process's own; so is the compiler's memory.
"""

import contextlib
import ctypes
import logging
import os
import platform
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from dropforge.errors import DropforgeError
from sagemaker_jobs.boosting.native import Booster
from sagemaker_jobs.serving.compiled.code import CompiledTrees, Head, same_bits, seal, write
from sagemaker_jobs.serving.compiled.compiling import SAID
from sagemaker_jobs.serving.compiled.ir import EXP, RAW, module
from sagemaker_jobs.serving.compiled.linking import link
from sagemaker_jobs.serving.compiled.model_text import Forest, NotCompilable, read_forest
from sagemaker_jobs.serving.compiled.trial import trial_rows

logger = logging.getLogger("sagemaker_jobs.serving.compiled.compiler")

LAST_TO_RUN = 19
FIRST_TO_GO = 1000
MAX_CPU_SECONDS = 600
_DIE_WITH_PARENT = 1


def main(arguments: list[str]) -> int:
    """Compile, try and seal; answers the process's exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _step_back()
    started = time.perf_counter()
    try:
        compile_model(Path(arguments[0]) / "model.txt", int(arguments[1]))
    except (NotCompilable, DropforgeError, OSError) as error:
        logger.warning("the trees are not compiled: %s. LightGBM scores all batches", error)
        return SAID
    logger.info("trees compiled in %.1f s", time.perf_counter() - started)
    return 0


def compile_model(model: Path, file: int) -> None:
    """Fill the file and seal it.

    Raises:
        NotCompilable: a model, machine or compiler that cannot, or answers that differ.
        ArtifactBroken: LightGBM cannot read the model.
        OSError: the file cannot be written, mapped or sealed.
    """
    forest = read_forest(model)
    linked = link(object_file(module(forest)), (RAW, EXP))
    head = Head(forest.features, forest.outputs, forest.objective, **_entries(linked.entries))
    write(file, head, linked.code)
    check(CompiledTrees(file), Booster(model), forest)
    seal(file)


def check(trees: CompiledTrees, booster: Booster, forest: Forest) -> None:
    """Compare with LightGBM on rows at every split's edge.

    Raises:
        NotCompilable: an answer differs by one bit or more.
    """
    matrix = trial_rows(forest)
    if not same_bits(trees, booster, matrix) or not same_bits(trees, booster, matrix[:1]):
        raise NotCompilable("its compiled code answers otherwise than LightGBM")


def object_file(text: str) -> bytes:
    """LLVM's object file for this machine's own processor.

    Raises:
        NotCompilable: no llvmlite, or another kind of machine.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NotCompilable(f"this machine is {sys.platform} on {platform.machine()}")
    try:
        import llvmlite.binding as llvm  # only here: 50 MB that no worker needs
    except ImportError as error:
        raise NotCompilable(f"llvmlite cannot be imported: {error}") from error
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=2,
        reloc="pic",
        codemodel="small",
    )
    try:
        made: bytes = target.emit_object(llvm.parse_assembly(text))
    except RuntimeError as error:
        raise NotCompilable(f"LLVM refused its code: {error}") from error
    return made


def _entries(entries: dict[str, int]) -> dict[str, Any]:
    return {"raw": entries[RAW], "exponentials": entries[EXP]}


def _step_back() -> None:
    """Requests first: run when nobody else does, be the first killed where memory is short."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.nice(LAST_TO_RUN)
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
