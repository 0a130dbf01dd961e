"""The page and the JSON API of `unshrink serve`.

Needs the extra `web`. The process that answers imports no torch: networks run in a process of their own, which can be
stopped (`web.helper`).
"""
