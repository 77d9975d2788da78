"""A made-up Japanese company to look around in, and made-up crowds to measure with.

Everything is generated from a fixed seed and the day of creation: the same day gives the same people. Nobody
in it exists; places are real down to the city, streets are not."""
