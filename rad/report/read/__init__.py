"""Run folders, read into records and groups; no numbers are made here."""
