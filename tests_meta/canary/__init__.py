"""Plants secrets all over the reference stack, to test that the suite shows none of them."""
