"""Logs: read whatever wrote them, rotated without loss, archived as Parquet, searched at speed."""
