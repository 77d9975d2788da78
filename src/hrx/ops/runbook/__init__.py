"""The runbook's content as typed values: parts, procedures, chapters. It reads files and runs nothing."""
