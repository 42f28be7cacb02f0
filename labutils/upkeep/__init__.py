"""Find out what is missing and which stored notebooks are stale; build the site."""
