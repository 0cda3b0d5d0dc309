"""The least that anybody does who looks at a file: read its bytes, count its lines.

python -m benchmarks.baselines.floor FILE
"""

import sys

BLOCK_BYTES = 1024 * 1024


def count_lines(path: str) -> int:
    """The number of newlines in a file."""
    lines = 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            lines += block.count(b"\n")
    return lines


if __name__ == "__main__":
    print(count_lines(sys.argv[1]))
