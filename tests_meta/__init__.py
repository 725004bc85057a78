"""Does the suite tell the truth? The reference stack, the faults it can be given, and the tests of the suite."""
