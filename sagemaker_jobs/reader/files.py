"""Every format of the drop contract as one kind of source."""

from sagemaker_jobs.reader.problems import refuse
from sagemaker_jobs.reader.source import Source
from sagemaker_jobs.reader.spool import Spooled
from sagemaker_jobs.values import Decimal


def open_file(spooled: Spooled, delimiter: str | None = None, decimal: Decimal = ".") -> Source:
    """A spooled file as a source. `delimiter` and `decimal` are for CSV and TSV.

    Raises:
        Refused: the file cannot be read as a table; the reasons name lines and columns.
    """
    if spooled.problem is not None:
        raise spooled.problem
    if not spooled.size:
        raise refuse("empty", "The file is empty (0 bytes).")
    # One format's library is imported, not all: a job's start counts.
    if spooled.extension in ("csv", "csv.gz", "tsv"):
        from sagemaker_jobs.reader.delimited import DelimitedSource

        return DelimitedSource(spooled, delimiter, decimal)
    if spooled.extension == "jsonl":
        from sagemaker_jobs.reader.jsonl import JsonLinesSource

        return JsonLinesSource(spooled)
    if spooled.extension == "parquet":
        from sagemaker_jobs.reader.parquet import ParquetSource

        return ParquetSource(spooled)
    if spooled.extension == "xlsx":
        from sagemaker_jobs.reader.xlsx import WorkbookSource

        return WorkbookSource(spooled)
    raise refuse("format", f"Files of type {spooled.extension} are not read. Save it as CSV.")
