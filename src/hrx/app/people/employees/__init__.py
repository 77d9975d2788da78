"""Employees: persons, their spells of employment, their assignments, and the change orders behind them."""
