"""The endpoint answers as the offline model did, before anybody relies on it."""
