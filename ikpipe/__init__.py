"""A table of files becomes an ImageKit.io media library."""
