"""Leaked secrets: found in the tree, in history, in what browsers are sent, in logs and in the ledger.

A finding says where and of which kind. The value itself is never printed, logged or kept."""
