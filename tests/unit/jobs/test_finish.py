"""The last files of an artifact: what the baseline is of, and how large it all is."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.judging.finish import artifact_bytes, read_sample


@pytest.mark.parametrize("group", [7, 100, 1000])
def test_a_sample_is_evenly_of_the_whole_file(tmp_path: Path, group: int) -> None:
    path = tmp_path / "train.parquet"
    pq.write_table(pa.table({"x": range(1000)}), path, row_group_size=group)
    assert read_sample(path).column("x").to_pylist() == list(range(1000))
    assert read_sample(path, 1000).num_rows == 1000
    assert read_sample(path, 300).column("x").to_pylist() == list(range(0, 1000, 4))


def test_the_size_is_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "judged").mkdir()
    (tmp_path / "model.txt").write_text("abc")
    (tmp_path / "judged" / "model.txt").write_text("de")
    assert artifact_bytes(tmp_path) == 5
