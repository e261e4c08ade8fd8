"""How good a model is: on speakers it knows, on voices it never heard, and on whole recordings."""
