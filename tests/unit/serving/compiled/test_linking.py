"""Object files are linked by distances alone; what wants more is refused."""

import struct

import pytest

from sagemaker_jobs.serving.compiled.compiler import object_file
from sagemaker_jobs.serving.compiled.linking import link
from sagemaker_jobs.serving.compiled.model_text import NotCompilable
from tests.unit.serving.compiled.forests import needs_compiler

pytestmark = needs_compiler

TWICE = """
define double @twice(double %x) nounwind {
  %y = fmul double %x, 0x4000CCCCCCCCCCCD
  ret double %y
}
"""


def test_every_asked_function_is_found() -> None:
    made = object_file(TWICE + TWICE.replace("twice", "again"))
    linked = link(made, ("twice", "again"))
    assert linked.entries["twice"] != linked.entries["again"]
    assert struct.pack("<d", 2.1) in linked.code
    with pytest.raises(NotCompilable, match="no function thrice"):
        link(made, ("thrice",))


@pytest.mark.parametrize(
    "wanting",
    [
        "declare double @exp(double)\ndefine double @f(double %x) {\n"
        "  %y = call double @exp(double %x)\n  ret double %y\n}",
        "@memory = external global double\ndefine double @f(double %x) {\n"
        "  %y = load double, ptr @memory\n  ret double %y\n}",
    ],
    ids=["a library's function", "somebody's memory"],
)
def test_code_that_wants_what_is_elsewhere_is_refused(wanting: str) -> None:
    with pytest.raises(NotCompilable, match="not in its object file"):
        link(object_file(wanting), ("f",))


def test_another_machine_s_object_is_refused() -> None:
    made = bytearray(object_file(TWICE))
    struct.pack_into("<H", made, 18, 183)  # EM_AARCH64
    with pytest.raises(NotCompilable, match="no ELF object for x86-64"):
        link(bytes(made), ("twice",))


def test_what_llvm_refuses_is_not_compilable() -> None:
    with pytest.raises(NotCompilable, match="LLVM refused"):
        object_file("define double @f( {")
