"""What checks an answer: types of exercises, safe execution, results in words, goals of experiments."""
