"""Looking at the data that a recipe trains on: what is in it, what is wrong with it, how training hears it."""
