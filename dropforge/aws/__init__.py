"""The one place that functions, jobs and the CLI share for talking to AWS."""
