"""The faults there are, by id. Each knows how to take itself back, also after the drill was killed."""
