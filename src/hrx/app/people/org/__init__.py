"""The organisation: units, positions and the chart at any date."""
