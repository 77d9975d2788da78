"""Backup, restore and loss at about 2 GiB, beside pgBackRest and beside `cp`, in one run."""
