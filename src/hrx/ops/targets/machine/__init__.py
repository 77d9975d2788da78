"""This machine as a target: every part as a supervised process, no root and no containers needed."""
