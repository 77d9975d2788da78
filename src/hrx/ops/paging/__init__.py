"""Paging: whom an incident reaches next, and that every message arrives. Decides nothing about incidents."""
