"""The lab: provides an engine, Compose, images and the reference stack on this machine."""
