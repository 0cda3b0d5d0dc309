"""The notebook's way to add a month: read every file again, concatenate, pickle the whole.

python -m benchmarks.baselines.accumulate OUT CSV [CSV ...]
"""

import sys

import pandas as pd  # type: ignore[import-untyped]


def accumulate(out: str, files: list[str]) -> int:
    """Write all files' rows as one pickled frame; answers how many there are."""
    frame = pd.concat([pd.read_csv(file) for file in files], ignore_index=True)
    frame.to_pickle(out)
    return len(frame)


if __name__ == "__main__":
    print(accumulate(sys.argv[1], sys.argv[2:]))
