"""The lab: an engine, Compose, images and the reference stack, made on whatever machine this is."""
