"""The exercises themselves: one module for each subject."""
