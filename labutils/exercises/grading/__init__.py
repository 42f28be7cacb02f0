"""What grades a folder of handed-in notebooks."""
