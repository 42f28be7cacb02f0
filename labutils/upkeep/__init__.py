"""Is everything here, and is every stored notebook up to date?"""
