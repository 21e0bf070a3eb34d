"""Runs that outlive their process, on DBOS: SQLite on one machine, Postgres for a company."""
