"""Jobs of many pictures: a manifest of what was done, in shards or on a Ray cluster, over any store fsspec knows.

Nothing here is imported by the rest of the package but the command line, and that only where such a job is asked for.
"""
