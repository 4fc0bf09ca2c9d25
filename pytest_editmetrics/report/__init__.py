"""How gates are shown: failure texts, the terminal summary, the results file, a picture."""
