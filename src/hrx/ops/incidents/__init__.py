"""From signals to incidents with clocks: what belongs together, how bad it is, who has it, until when."""
