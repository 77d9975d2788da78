"""HRX-AI: an HR platform whose operations runbook runs and proves itself."""

__version__ = "0.1.0"
